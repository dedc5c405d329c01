/* Cells of the services grid: health with its sign, a link, a sparkline; the grid's theme; its sort in the URL. */
(function () {
  "use strict";
  const make = (...args) => window.React.createElement(...args);
  const ORDER = ["idle", "healthy", "unknown", "degraded", "failing"];
  const cells = window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {};
  const functions = window.dashAgGridFunctions = window.dashAgGridFunctions || {};

  cells.TulleHealth = ({ data }) => make("span", { className: "badge is-" + data.health },
    make("span", { className: "sign", "aria-hidden": true }, data.sign), data.health);

  cells.TulleService = ({ data }) => {
    const path = "/service/" + data.service;
    const follow = (event) => { if (!event.ctrlKey && !event.metaKey && !event.shiftKey) { event.preventDefault(); window.tulle.go(path); } };
    return make("a", { href: path, onClick: follow }, data.service);
  };

  cells.TulleSpark = ({ data }) => {
    const top = Math.max(...data.spark, 1e-9), last = data.spark.length - 1, width = 110, height = 24;
    if (last < 1) { return make("span", { className: "quiet" }, "–"); }
    const points = data.spark.map((value, at) => `${((width * at) / last).toFixed(1)},${(height - 2 - ((height - 4) * value) / top).toFixed(1)}`).join(" ");
    return make("svg", { className: "spark", width, height, role: "img", "aria-label": `calls a second over the last minute, at most ${top.toPrecision(2)}` },
      make("polyline", { points, fill: "none", stroke: "currentColor", strokeWidth: 1.5 }));
  };

  functions.tulleOrNothing = (value) => (value === null || value === undefined ? "—" : value);
  functions.tulleBySeverity = (a, b) => ORDER.indexOf(a) - ORDER.indexOf(b);
  functions.tulleTheme = (theme) => theme.withParams({
    backgroundColor: "transparent", foregroundColor: "var(--tulle-text)", headerBackgroundColor: "var(--tulle-surface)",
    headerTextColor: "var(--tulle-text)", borderColor: "var(--tulle-line)", accentColor: "var(--tulle-accent)",
    fontFamily: "inherit", fontSize: 14, wrapperBorder: false, rowHeight: 36, headerHeight: 36,
  });

  /* The grid mounts when its page does; its sort belongs to the URL from then on. */
  const seen = new WeakSet();
  window.setInterval(() => {
    const holder = document.getElementById("services-grid");
    if (!holder || seen.has(holder) || !window.dash_ag_grid) { return; }
    let api = null;
    try { api = window.dash_ag_grid.getApi("services-grid"); } catch { return; }
    if (!api) { return; }
    seen.add(holder);
    api.addEventListener("sortChanged", () => {
      const sorted = api.getColumnState().find((column) => column.sort);
      window.tulle.inUrl({ sort: sorted ? `${sorted.colId}:${sorted.sort}` : "" });
    });
  }, 500);
})();
