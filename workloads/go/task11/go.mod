module lockspan/workloads/task11

go 1.19

require (
	golang.org/x/sync v0.0.0
	lockspan/workloads v0.0.0
)

// The module of Debian's golang-golang-x-sync-dev.
replace (
	golang.org/x/sync => /usr/share/gocode/src/golang.org/x/sync
	lockspan/workloads => ../
)
