package main

import (
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

const most = 1 << 30

// dialled is one connection whose own limits are out of the way.
func dialled(target, authority string) (*grpc.ClientConn, error) {
	return grpc.NewClient(
		"passthrough:///"+target,
		grpc.WithAuthority(authority),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(most), grpc.MaxCallSendMsgSize(most)),
		grpc.WithMaxHeaderListSize(most),
		grpc.WithNoProxy(),
		grpc.WithDisableRetry(),
	)
}
