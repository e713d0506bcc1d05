// A runtime's part of CNI, by the specification's own library: reads the network NAME in the directory DIRECTORY as cri-o and
// containerd do, and calls its plugins for the network namespace PATH.
//
//	libcni add|check|del|validate DIRECTORY NAME PATH CONTAINER PLUGINS [CAPABILITIES]
//
// PLUGINS is a path list; CAPABILITIES a JSON object of capability arguments. What add returns is printed as JSON; an error of a
// plugin is printed as it said it, and ends the program with 1.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/containernetworking/cni/libcni"
)

func run(verb, directory, network, path, container, plugins string, capabilities map[string]interface{}) error {
	list, err := libcni.LoadConfList(directory, network)
	if err != nil {
		return err
	}
	client := libcni.NewCNIConfigWithCacheDir(filepath.SplitList(plugins), filepath.Join(directory, "cache"), nil)
	pod := &libcni.RuntimeConf{ContainerID: container, NetNS: path, IfName: "eth0", CapabilityArgs: capabilities}
	switch verb {
	case "add":
		result, err := client.AddNetworkList(context.Background(), list, pod)
		if err != nil {
			return err
		}
		return result.Print()
	case "check":
		return client.CheckNetworkList(context.Background(), list, pod)
	case "del":
		return client.DelNetworkList(context.Background(), list, pod)
	case "validate":
		_, err := client.ValidateNetworkList(context.Background(), list)
		return err
	}
	return fmt.Errorf("%s: neither add, check, del nor validate", verb)
}

func main() {
	words := os.Args[1:]
	var err error
	capabilities := map[string]interface{}{}
	if len(words) == 7 {
		err = json.Unmarshal([]byte(words[6]), &capabilities)
	} else if len(words) != 6 {
		err = fmt.Errorf("needs 6 or 7 words, has %d", len(words))
	}
	if err == nil {
		err = run(words[0], words[1], words[2], words[3], words[4], words[5], capabilities)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
