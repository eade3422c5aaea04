module lockspan/pprof-truth

go 1.19
