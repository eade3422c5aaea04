// SPDX-License-Identifier: GPL-2.0-only
/* Many functions inlined into each other: templates, lambdas, local classes, hidden names. */
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <mutex>
#include <regex>
#include <string>
#include <vector>

namespace {

struct Hidden {
	int v;
	__attribute__((noinline)) int get(int x) { return v * x; }
};

template <class F> int apply(F f, int n)
{
	int s = 0;

	for (int i = 0; i < n; i++)
		s += f(i);
	return s;
}

} // namespace

namespace a::b {

class Counter {
public:
	std::map<std::string, int> counts;
	std::mutex mu;

	int add(const std::string &key)
	{
		std::lock_guard<std::mutex> g(mu);
		return ++counts[key];
	}
};

} // namespace a::b

int main(int argc, char **argv)
{
	a::b::Counter c;
	std::regex r("([a-z]+)([0-9]*)");
	std::smatch m;
	std::string s(argv[0]);
	std::vector<int> v;

	if (std::regex_search(s, m, r))
		for (auto &x : m)
			c.add(x.str());
	for (int i = 0; i < argc * 100; i++)
		v.push_back(i * 7 % 13);
	std::sort(v.begin(), v.end(), [&](int p, int q) { return p % 5 < q % 5; });
	Hidden h{ argc };
	std::function<int(int)> f = [&](int i) { return h.get(i) + v[i % v.size()]; };
	std::cout << apply(f, argc) << c.counts.size() << "\n";
}
