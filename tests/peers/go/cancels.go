package main

import (
	"context"
	"flag"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc/status"

	pb "tulle.dev/peers/contract"
)

// tally counts what calls came to.
type tally struct {
	lock sync.Mutex
	came map[string]int
}

func (t *tally) add(err error) {
	t.lock.Lock()
	defer t.lock.Unlock()
	if t.came == nil {
		t.came = map[string]int{}
	}
	t.came[text(err)]++
}

// moment is when a call was cancelled, by the clock that the server reads too.
type moment struct {
	lock sync.Mutex
	at   map[string]int64
}

func (m *moment) set(key string) {
	now := time.Now().UnixNano()
	m.lock.Lock()
	defer m.lock.Unlock()
	m.at[key] = now
}

// cancels begins calls at a rate on one connection and cancels each 1 to 50 ms later; beside it a held stream and other calls.
func cancels(arguments []string) error {
	flags := flag.NewFlagSet("cancels", flag.ExitOnError)
	target := flags.String("target", "", "host:port to call")
	authority := flags.String("authority", "", ":authority of the calls")
	rate := flags.Int("rate", 400, "calls a second that are cancelled")
	others := flags.Int("others", 100, "calls a second that are not")
	seconds := flags.Int("seconds", 5, "for so long")
	prefix := flags.String("prefix", "cancelled-", "of their keys")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	via, err := dialled(*target, *authority)
	if err != nil {
		return err
	}
	defer via.Close()
	client := pb.NewPeersClient(via)
	kept := hold(client, 1)
	cancelled, neighbours, at := &tally{}, &tally{}, &moment{at: map[string]int64{}}
	var running sync.WaitGroup
	length := time.Duration(*seconds) * time.Second
	running.Go(func() {
		paced(*rate, length, func(number int) {
			key := fmt.Sprintf("%s%d", *prefix, number)
			after := time.Duration(1+number/2*37%50) * time.Millisecond // 37 and 50 share no factor: every one of 1 to 50
			cancelled.add(cut(client, number, key, after, at))
		})
	})
	running.Go(func() {
		paced(*others, length, func(number int) {
			_, err := client.Unary(context.Background(), &pb.Ask{Blob: []byte("neighbour"), SleepMs: 5})
			neighbours.add(err)
		})
	})
	running.Wait()
	return say(map[string]any{
		"cancelled": cancelled.came, "neighbours": neighbours.came, "held": release(kept), "at": at.at,
	})
}

// paced begins `rate` calls a second by the clock, however long each takes, and waits for all.
func paced(rate int, length time.Duration, call func(number int)) {
	var running sync.WaitGroup
	begun := time.Now()
	for number := range int(length.Seconds()) * rate {
		time.Sleep(time.Until(begun.Add(time.Duration(number) * time.Second / time.Duration(rate))))
		running.Go(func() { call(number) })
	}
	running.Wait()
}

// cut is a unary call or a stream, by turns, and what it came to.
func cut(client pb.PeersClient, number int, key string, after time.Duration, at *moment) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	timer := time.AfterFunc(after, func() {
		at.set(key)
		cancel()
	})
	defer timer.Stop()
	if number%2 == 0 {
		_, err := client.Unary(ctx, &pb.Ask{Key: key, SleepMs: 10_000})
		return err
	}
	call, err := client.Down(ctx, &pb.Ask{Key: key, Count: 10_000, IntervalMs: 20})
	for err == nil {
		_, err = call.Recv()
	}
	if call == nil && ctx.Err() != nil { // begun and cancelled at once: grpc-go says EOF for whatever ended it
		return status.FromContextError(ctx.Err()).Err()
	}
	return err
}
