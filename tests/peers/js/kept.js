// Every execution that has a key.
"use strict";

class Kept {
  #all = [];

  // A running execution; it ends once.
  begin(key, call) {
    if (key === "") return { end() {} };
    const deadline = call.getDeadline();
    const left = deadline instanceof Date ? deadline.getTime() - Date.now() : deadline - Date.now();
    const one = {
      key,
      previous_attempts: call.metadata.get("grpc-previous-rpc-attempts").join(","),
      deadline_ms: Number.isFinite(left) ? Math.round(left) : -1,
      ending: "RUNNING",
      ended_ns: 0,
    };
    this.#all.push(one);
    return {
      end(ending) {
        if (one.ending !== "RUNNING") return;
        one.ending = ending;
        one.ended_ns = `${Date.now()}000000`;
      },
    };
  }

  of(prefix) {
    return this.#all.filter((one) => one.key.startsWith(prefix));
  }
}

module.exports = { Kept };
