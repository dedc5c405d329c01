// @grpc/grpc-js as a server of the contract; its first line says the port.
"use strict";

const { setTimeout: sleep } = require("node:timers/promises");
const { once } = require("node:events");
const grpc = require("@grpc/grpc-js");
const { load, metadata } = require("./contract.js");
const { Kept } = require("./kept.js");

const kept = new Kept();

// Runs `work(signal)`; a cancel of the call ends its waits and its record.
async function recorded(call, ask, work) {
  const running = kept.begin(ask.key, call);
  const cancel = new AbortController();
  call.on("cancelled", () => {
    running.end("CANCELLED");
    cancel.abort();
  });
  try {
    await work(cancel.signal);
    running.end("ENDED");
  } catch (error) {
    if (cancel.signal.aborted) return;
    running.end("ENDED");
    throw error;
  }
}

async function begin(call, ask, signal) {
  if (ask.head.length > 0) call.sendMetadata(metadata(ask.head));
  if (ask.raises) throw new Error("the handler raised");
  if (ask.sleep_ms > 0) await sleep(ask.sleep_ms, undefined, { signal });
}

function failure(ask) {
  if (ask.fail_code === 0) return null;
  return { code: ask.fail_code, details: ask.fail_text, metadata: trailers(ask) };
}

function trailers(ask) {
  const made = metadata(ask.trailers);
  if (ask.details_bytes > 0) made.set("grpc-status-details-bin", Buffer.alloc(ask.details_bytes));
  return made;
}

function answer(ask) {
  const blob = ask.answer_bytes > 0 ? Buffer.alloc(ask.answer_bytes) : ask.blob;
  return { blob, received_bytes: ask.blob.length, received_messages: 1 };
}

function unary(call, done) {
  const ask = call.request;
  const work = async (signal) => {
    await begin(call, ask, signal);
    const failed = failure(ask);
    if (failed) done(failed);
    else done(null, answer(ask), trailers(ask));
  };
  recorded(call, ask, work).catch((error) => done(error));
}

function down(call) {
  const ask = call.request;
  const work = async (signal) => {
    await begin(call, ask, signal);
    for (let number = 0; number < ask.count; number += 1) {
      if (number > 0 && ask.interval_ms > 0) await sleep(ask.interval_ms, undefined, { signal });
      if (!call.write(answer(ask))) await once(call, "drain", { signal });
    }
    finish(call, ask);
  };
  recorded(call, ask, work).catch((error) => call.destroy(error));
}

function finish(call, ask) {
  const failed = failure(ask);
  if (failed) call.emit("error", failed);
  else call.end(trailers(ask));
}

function up(call, done) {
  const came = { received_bytes: 0, received_messages: 0 };
  let first = null;
  let running = null;
  call.on("data", (ask) => {
    if (first === null) {
      first = ask;
      running = kept.begin(ask.key, call);
    }
    came.received_bytes += ask.blob.length;
    came.received_messages += 1;
  });
  call.on("cancelled", () => running?.end("CANCELLED"));
  call.on("end", () => {
    running?.end("ENDED");
    const failed = first && failure(first);
    if (failed) done(failed);
    else done(null, came, first ? trailers(first) : undefined);
  });
}

function bidi(call) {
  let first = null;
  let running = null;
  call.on("data", (ask) => {
    if (first === null) {
      first = ask;
      running = kept.begin(ask.key, call);
    }
    if (!call.write(answer(ask))) {
      call.pause();
      call.once("drain", () => call.resume());
    }
  });
  call.on("cancelled", () => running?.end("CANCELLED"));
  call.on("end", () => {
    running?.end("ENDED");
    if (first) finish(call, first);
    else call.end();
  });
}

function executions(call, done) {
  done(null, { executions: kept.of(call.request.key) });
}

function flags(given) {
  const flags = { port: 0 };
  for (const flag of given) {
    const [name, value] = flag.split("=");
    if (name === "--port") flags.port = Number(value);
    else if (name === "--max-connection-age-ms") flags.age = Number(value);
    else throw new Error(`${flag} is no flag`);
  }
  return flags;
}

function main() {
  const { port, age } = flags(process.argv.slice(2));
  const server = new grpc.Server(age ? { "grpc.max_connection_age_ms": age } : {});
  server.addService(load().service, {
    Unary: unary,
    Again: unary,
    Down: down,
    Up: up,
    Bidi: bidi,
    Executions: executions,
  });
  server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error, bound) => {
    if (error) throw error;
    process.stdout.write(`${JSON.stringify({ port: bound })}\n`);
  });
}

main();
