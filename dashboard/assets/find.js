/* The language of the find and hide boxes: `rt > 500`, `%fault > 1`, `name contains pay`, `!traffic`, joined by and / or. */
window.tulle = window.tulle || {};
(function (tulle) {
  "use strict";
  const share = (part, row) => (row.calls ? (100 * part) / row.calls : 0);
  const NUMBERS = {
    "rt": (row) => row.p95, "p50": (row) => row.p50, "p95": (row) => row.p95, "p99": (row) => row.p99,
    "rate": (row) => row.rate, "faults": (row) => row.faults, "retries": (row) => row.retries || 0,
    "%fault": (row) => share(row.faults, row), "%error": (row) => share(row.clientErrors, row),
  };
  const WORDS = {
    "name": (row) => row.name, "namespace": (row) => row.namespace || row.name, "health": (row) => row.health,
    "breaker": (row) => row.breaker || "",
  };
  const FLAGS = { "traffic": (row) => row.traffic, "mtls": (row) => (row.kind === "edge" ? row.mtls : null) };
  const COMPARE = {
    ">": (a, b) => a > b, ">=": (a, b) => a >= b, "<": (a, b) => a < b, "<=": (a, b) => a <= b, "=": (a, b) => a === b,
  };
  const KNOWN = Object.keys(NUMBERS).concat(Object.keys(WORDS), Object.keys(FLAGS)).join(", ");

  function term(text) {
    const flag = /^(!?)\s*(\w+)$/.exec(text);
    if (flag && FLAGS[flag[2].toLowerCase()]) {
      const read = FLAGS[flag[2].toLowerCase()], wanted = flag[1] === "";
      return (row) => { const value = read(row); return value !== null && Boolean(value) === wanted; };
    }
    const number = /^(%?\w+)\s*(>=|<=|>|<|=)\s*(-?\d+(?:\.\d+)?)\s*(?:ms|%)?$/.exec(text);
    if (number && NUMBERS[number[1].toLowerCase()]) {
      const read = NUMBERS[number[1].toLowerCase()], compare = COMPARE[number[2]], limit = Number(number[3]);
      return (row) => compare(read(row), limit);
    }
    const word = /^(\w+)\s*(contains|=|!=)\s*(\S+)$/.exec(text);
    if (word && WORDS[word[1].toLowerCase()]) {
      const read = WORDS[word[1].toLowerCase()], wanted = word[3].toLowerCase();
      const holds = { "contains": (v) => v.includes(wanted), "=": (v) => v === wanted, "!=": (v) => v !== wanted }[word[2]];
      return (row) => holds(String(read(row)).toLowerCase());
    }
    throw new Error("cannot read “" + text + "”: try rt > 500, %fault > 1, name contains x, !traffic (known: " + KNOWN + ")");
  }

  /* A predicate over rows, null for an empty text; throws an Error with a hint for what it cannot read. */
  tulle.find = function (text) {
    if (!text || !text.trim()) { return null; }
    const any = text.trim().split(/\s+or\s+/i).map((part) => part.split(/\s+and\s+/i).map((one) => term(one.trim())));
    return (row) => any.some((all) => all.every((holds) => holds(row)));
  };
})(window.tulle);
