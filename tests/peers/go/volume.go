package main

import (
	"context"
	"flag"
	"sync"
	"sync/atomic"
	"time"

	pb "tulle.dev/peers/contract"
)

// hammer: callers on one connection, each one call after the other.
func hammer(arguments []string) error {
	flags := flag.NewFlagSet("hammer", flag.ExitOnError)
	target := flags.String("target", "", "host:port to call")
	authority := flags.String("authority", "", ":authority of the calls")
	callers := flags.Int("callers", 8, "at once")
	seconds := flags.Int("seconds", 6, "for so long")
	answer := flags.Uint("answer-bytes", 4_194_000, "of each answer")
	key := flags.String("key", "hammer", "of the calls")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	via, err := dialled(*target, *authority)
	if err != nil {
		return err
	}
	defer via.Close()
	client, came := pb.NewPeersClient(via), &tally{}
	var made atomic.Int64
	var running sync.WaitGroup
	until := time.Now().Add(time.Duration(*seconds) * time.Second)
	for range *callers {
		running.Go(func() {
			for time.Now().Before(until) {
				ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
				made.Add(1)
				_, err := client.Unary(ctx, &pb.Ask{Key: *key, AnswerBytes: uint32(*answer)})
				cancel()
				came.add(err)
			}
		})
	}
	running.Wait()
	return say(map[string]any{"calls": made.Load(), "came": came.came})
}

// bulk: how long so many messages of a size take, one direction, several times on one connection.
func bulk(arguments []string) error {
	flags := flag.NewFlagSet("bulk", flag.ExitOnError)
	target := flags.String("target", "", "host:port to call")
	authority := flags.String("authority", "", ":authority of the calls")
	direction := flags.String("direction", "down", "down or up")
	size := flags.Uint("bytes", 4_194_000, "of a message")
	count := flags.Uint("count", 1, "messages")
	rounds := flags.Int("rounds", 5, "times")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	via, err := dialled(*target, *authority)
	if err != nil {
		return err
	}
	defer via.Close()
	client := pb.NewPeersClient(via)
	var took []float64
	for round := range *rounds + 1 {
		messages := uint32(*count)
		if round == 0 { // opens connections, and is not counted
			messages = 1
		}
		begun := time.Now()
		if err := moved(client, *direction, uint32(*size), messages); err != nil {
			return err
		}
		if round > 0 {
			took = append(took, time.Since(begun).Seconds())
		}
	}
	return say(map[string]any{"seconds": took})
}

func moved(client pb.PeersClient, direction string, size, count uint32) error {
	ctx, cancel := context.WithTimeout(context.Background(), 120*time.Second)
	defer cancel()
	if direction == "up" {
		return pushed(ctx, client, size, count)
	}
	return pulled(ctx, client, size, count)
}

func pulled(ctx context.Context, client pb.PeersClient, size, count uint32) error {
	call, err := client.Down(ctx, &pb.Ask{AnswerBytes: size, Count: count})
	if err != nil {
		return err
	}
	for range count {
		if _, err := call.Recv(); err != nil {
			return err
		}
	}
	return nil
}

func pushed(ctx context.Context, client pb.PeersClient, size, count uint32) error {
	call, err := client.Up(ctx)
	if err != nil {
		return err
	}
	ask := &pb.Ask{Blob: make([]byte, size)}
	for range count {
		if err := call.Send(ask); err != nil {
			break // the answer says why
		}
	}
	_, err = call.CloseAndRecv()
	return err
}
