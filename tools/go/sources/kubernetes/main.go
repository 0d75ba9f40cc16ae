// Command kubernetes is the parts of a cluster in one program: the name that it is started by says which.
package main

import (
	"context"
	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	kcm "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	sched "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
	"os"
	"path/filepath"
)

func main() {
	var c *cobra.Command
	switch filepath.Base(os.Args[0]) {
	case "kubelet":
		c = kubelet.NewKubeletCommand(context.Background())
	case "kube-apiserver":
		c = apiserver.NewAPIServerCommand()
	case "kube-controller-manager":
		c = kcm.NewControllerManagerCommand()
	case "kube-scheduler":
		c = sched.NewSchedulerCommand()
	case "kubectl":
		c = kubectl.NewDefaultKubectlCommand()
	default:
		panic("unknown name")
	}
	os.Exit(cli.Run(c))
}
