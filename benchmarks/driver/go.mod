module driver

go 1.26.1
