// gRPC's interop cases by @grpc/grpc-js: `node client.js CASE HOST:PORT`, exit code 0 or 1.
"use strict";

const assert = require("node:assert/strict");
const path = require("node:path");
// What is installed lives outside this folder: NODE_PATH names it.
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const LARGE = 271828;
const LARGE_ANSWER = 314159;
const SENT = [27182, 8, 1828, 45904];
const ANSWERED = [31415, 9, 2653, 58979];
const MESSAGE = "test status message";
const SPECIAL_MESSAGE = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";
const ECHO_INITIAL = "x-grpc-test-echo-initial";
const ECHO_TRAILING = "x-grpc-test-echo-trailing-bin";
const TRAILING_VALUE = Buffer.from([0xab, 0xab, 0xab]);

const payload = (size) => ({ body: Buffer.alloc(size) });
const simple = { response_size: LARGE_ANSWER, payload: payload(LARGE) };
const output = (sizes, sent) => ({ response_parameters: sizes.map((size) => ({ size })), payload: payload(sent) });
const deadline = () => ({ deadline: Date.now() + 30000 });

// The end of a call: its messages, its error if any, its metadata.
function ended(call) {
  return new Promise((resolve) => {
    const seen = { messages: [], error: null };
    call.on("metadata", (initial) => { seen.initial = initial; });
    call.on("data", (message) => seen.messages.push(message));
    call.on("error", (error) => { seen.error = error; });
    call.on("status", (status) => setImmediate(() => resolve({ ...seen, status })));
  });
}

function unary(stub, method, request, metadata = new grpc.Metadata()) {
  return new Promise((resolve) => {
    const seen = {};
    const call = stub[method](request, metadata, deadline(), (error, answer) => Object.assign(seen, { error, answer }));
    call.on("metadata", (initial) => { seen.initial = initial; });
    call.on("status", (status) => setImmediate(() => resolve({ ...seen, status })));
  });
}

const next = (call) => new Promise((resolve, reject) => { call.once("data", resolve); call.once("error", reject); });

async function fails(seen, code, details) {
  assert.equal(seen.status.code, code, seen.status.details);
  if (details !== undefined) assert.equal(seen.status.details, details);
}

const cases = {
  async empty_unary(stub) {
    const seen = await unary(stub, "EmptyCall", {});
    assert.equal(seen.error, null);
  },
  async large_unary(stub) {
    const seen = await unary(stub, "UnaryCall", simple);
    assert.equal(seen.error, null);
    assert.equal(seen.answer.payload.body.length, LARGE_ANSWER);
  },
  async client_streaming(stub) {
    const answer = await new Promise((resolve, reject) => {
      const call = stub.StreamingInputCall(new grpc.Metadata(), deadline(), (e, a) => (e ? reject(e) : resolve(a)));
      SENT.forEach((size) => call.write({ payload: payload(size) }));
      call.end();
    });
    assert.equal(answer.aggregated_payload_size, SENT.reduce((sum, size) => sum + size));
  },
  async server_streaming(stub) {
    const seen = await ended(stub.StreamingOutputCall(output(ANSWERED, 0), deadline()));
    assert.equal(seen.error, null);
    assert.deepEqual(seen.messages.map((message) => message.payload.body.length), ANSWERED);
  },
  async ping_pong(stub) {
    const call = stub.FullDuplexCall(deadline());
    for (const [at, size] of SENT.entries()) {
      call.write(output([ANSWERED[at]], size));
      assert.equal((await next(call)).payload.body.length, ANSWERED[at]);
    }
    const end = ended(call);
    call.end();
    assert.equal((await end).status.code, grpc.status.OK);
  },
  async empty_stream(stub) {
    const call = stub.FullDuplexCall(deadline());
    const end = ended(call);
    call.end();
    const seen = await end;
    assert.equal(seen.status.code, grpc.status.OK);
    assert.deepEqual(seen.messages, []);
  },
  async timeout_on_sleeping_server(stub) {
    const call = stub.FullDuplexCall({ deadline: Date.now() + 1 });
    call.write(output([], 27182));
    await fails(await ended(call), grpc.status.DEADLINE_EXCEEDED);
  },
  async cancel_after_begin(stub) {
    const call = stub.StreamingInputCall(new grpc.Metadata(), deadline(), () => {});
    const end = ended(call);
    call.cancel();
    await fails(await end, grpc.status.CANCELLED);
  },
  async cancel_after_first_response(stub) {
    const call = stub.FullDuplexCall(deadline());
    call.write(output([31415], 27182));
    assert.equal((await next(call)).payload.body.length, 31415);
    const end = ended(call);
    call.cancel();
    await fails(await end, grpc.status.CANCELLED);
  },
  async status_code_and_message(stub) {
    const response_status = { code: 2, message: MESSAGE };
    await fails(await unary(stub, "UnaryCall", { response_status }), grpc.status.UNKNOWN, MESSAGE);
    const call = stub.FullDuplexCall(deadline());
    const end = ended(call);
    call.write({ response_status });
    call.end();
    await fails(await end, grpc.status.UNKNOWN, MESSAGE);
  },
  async special_status_message(stub) {
    const response_status = { code: 2, message: SPECIAL_MESSAGE };
    await fails(await unary(stub, "UnaryCall", { response_status }), grpc.status.UNKNOWN, SPECIAL_MESSAGE);
  },
  async custom_metadata(stub) {
    const metadata = new grpc.Metadata();
    metadata.set(ECHO_INITIAL, "test_initial_metadata_value");
    metadata.set(ECHO_TRAILING, TRAILING_VALUE);
    const call = stub.FullDuplexCall(metadata, deadline());
    const end = ended(call);
    call.write(output([LARGE_ANSWER], LARGE));
    call.end();
    for (const seen of [await unary(stub, "UnaryCall", simple, metadata), await end]) {
      assert.equal(seen.status.code, grpc.status.OK);
      assert.deepEqual(seen.initial.get(ECHO_INITIAL), ["test_initial_metadata_value"]);
      assert.deepEqual(seen.status.metadata.get(ECHO_TRAILING), [TRAILING_VALUE]);
    }
  },
  async unimplemented_method(stub) {
    await fails(await unary(stub, "UnimplementedCall", {}), grpc.status.UNIMPLEMENTED);
  },
  async unimplemented_service(_, other) {
    await fails(await unary(other, "UnimplementedCall", {}), grpc.status.UNIMPLEMENTED);
  },
};

async function main(name, address) {
  const definition = loader.loadSync(path.join(__dirname, "..", "interop.proto"), { keepCase: true });
  const { TestService, UnimplementedService } = grpc.loadPackageDefinition(definition).grpc.testing;
  const options = [address, grpc.credentials.createInsecure(), { "grpc.enable_http_proxy": 0 }];
  const [stub, other] = [new TestService(...options), new UnimplementedService(...options)];
  await cases[name](stub, other);
  stub.close();
  other.close();
}

main(...process.argv.slice(2)).catch((error) => {
  console.error(String(error.message).replaceAll("\n", " "));
  process.exitCode = 1;
});
