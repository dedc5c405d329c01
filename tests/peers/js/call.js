// One call by @grpc/grpc-js with a retry policy of its own: `call.js TARGET AUTHORITY METHOD ATTEMPTS ASK-AS-JSON`.
"use strict";

const grpc = require("@grpc/grpc-js");
const { load } = require("./contract.js");

function policy(maxAttempts) {
  const retryPolicy = {
    maxAttempts,
    initialBackoff: "0.01s",
    maxBackoff: "0.05s",
    backoffMultiplier: 2,
    retryableStatusCodes: ["UNAVAILABLE"],
  };
  return JSON.stringify({
    loadBalancingConfig: [],
    methodConfig: [{ name: [{ service: "tulle.peers.v1.Peers" }], retryPolicy }],
  });
}

function main() {
  const [target, authority, method, attempts, ask] = process.argv.slice(2);
  const client = new (load())(target, grpc.credentials.createInsecure(), {
    "grpc.default_authority": authority,
    "grpc.enable_http_proxy": 0,
    "grpc.service_config": policy(Number(attempts)),
  });
  client[method](JSON.parse(ask), { deadline: Date.now() + 20_000 }, (error) => {
    const code = error ? grpc.status[error.code] : "OK";
    process.stdout.write(`${JSON.stringify({ code, text: error ? error.details : "" })}\n`);
    client.close();
  });
}

main();
