module lockspan/workloads

go 1.19
