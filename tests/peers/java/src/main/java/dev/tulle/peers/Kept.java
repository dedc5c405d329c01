package dev.tulle.peers;

import dev.tulle.peers.contract.Ending;
import dev.tulle.peers.contract.Execution;
import dev.tulle.peers.contract.Record;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Metadata;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Every execution that has a key. */
final class Kept {
  private static final Metadata.Key<String> ATTEMPTS =
      Metadata.Key.of("grpc-previous-rpc-attempts", Metadata.ASCII_STRING_MARSHALLER);

  private final List<Execution.Builder> all = new ArrayList<>();

  /** A running execution; it ends once. */
  interface Running {
    void end(Ending ending);
  }

  synchronized Running begin(String key, Metadata headers) {
    if (key.isEmpty()) {
      return ending -> {};
    }
    Deadline deadline = Context.current().getDeadline();
    Iterable<String> attempts = headers.getAll(ATTEMPTS);
    Execution.Builder one =
        Execution.newBuilder()
            .setKey(key)
            .setPreviousAttempts(attempts == null ? "" : String.join(",", attempts))
            .setDeadlineMs(deadline == null ? -1 : deadline.timeRemaining(TimeUnit.MILLISECONDS));
    all.add(one);
    return ending -> end(one, ending);
  }

  synchronized Record of(String prefix) {
    Record.Builder found = Record.newBuilder();
    all.stream().filter(one -> one.getKey().startsWith(prefix)).forEach(one -> found.addExecutions(one.build()));
    return found.build();
  }

  private synchronized void end(Execution.Builder one, Ending ending) {
    if (one.getEnding() == Ending.RUNNING) {
      Instant now = Instant.now();
      one.setEnding(ending).setEndedNs(now.getEpochSecond() * 1_000_000_000L + now.getNano());
    }
  }
}
