// Command etcd keeps what a cluster knows.
package main

import (
	"go.etcd.io/etcd/server/v3/etcdmain"
	"os"
)

func main() { etcdmain.Main(os.Args) }
