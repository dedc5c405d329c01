// grpc-go as a server of the contract and as its callers: `peers serve`, and what calls it at a pace or a size.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	commands := map[string]func([]string) error{
		"serve":   serve,
		"calls":   calls,
		"cancels": cancels,
		"hammer":  hammer,
		"bulk":    bulk,
	}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: peers serve|calls|cancels|hammer|bulk [flags]")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func say(what any) error {
	return json.NewEncoder(os.Stdout).Encode(what)
}
