/* The connection: says what is lost, for how long, and comes back by itself. Also pause, visibility and colour scheme. */
window.tulle = window.tulle || {};
(function (tulle) {
  "use strict";
  const LATE_MS = 6000; // three heartbeats
  const tab = { visible: !document.hidden, live: true };
  let alive = Date.now();
  let answers = 0;

  const byId = (id) => document.getElementById(id);

  function banner(text) {
    let bar = byId("banner");
    if (!bar) {
      bar = Object.assign(document.createElement("div"), { id: "banner" });
      bar.setAttribute("role", "alert");
      document.body.prepend(bar);
    }
    if (bar.textContent !== text) { bar.textContent = text; }
    bar.hidden = !text;
    document.documentElement.classList.toggle("stale", Boolean(text));
  }

  function badge(text, look) {
    const place = byId("link");
    if (place && place.textContent !== text) { place.textContent = text; }
    if (place) { place.dataset.look = look; }
  }

  const clock = (time) => new Date(time).toLocaleTimeString();

  function show() {
    const link = tulle.mesh.link, late = Date.now() - alive > LATE_MS;
    if (!tab.live) { badge("paused", "paused"); banner(""); return; }
    if (late && tab.visible) {
      badge("dashboard lost", "down");
      banner("Connection to the dashboard lost at " + clock(alive) + ". Showing the last state; trying again.");
      revive();
    } else if (link && link.state === "down") {
      badge("control plane lost", "down");
      banner("Connection to the control plane lost at " + clock(link.since) + " (" + link.detail + "). Showing the last state; trying again.");
    } else {
      badge(link && link.state === "up" ? "live" : "connecting …", link && link.state === "up" ? "up" : "paused");
      banner("");
    }
  }

  /* Dash gives up its websocket after ten tries: once the server answers again and no frame comes, start afresh. */
  async function revive() {
    try {
      const reply = await fetch("/healthz", { cache: "no-store" });
      answers = reply.ok ? answers + 1 : 0;
    } catch { answers = 0; }
    if (answers >= 5) { window.location.reload(); }
  }

  function tell() { window.dash_clientside.set_props("tab", { data: Object.assign({}, tab) }); }

  tulle.togglePause = function () {
    tab.live = !tab.live;
    alive = Date.now();
    const button = byId("live");
    if (button) { button.textContent = tab.live ? "Pause" : "Resume"; button.setAttribute("aria-pressed", String(!tab.live)); }
    tell();
    show();
  };

  document.addEventListener("visibilitychange", () => { tab.visible = !document.hidden; alive = Date.now(); tell(); });
  tulle.listeners.push(() => { alive = Date.now(); answers = 0; show(); });
  window.setInterval(show, 1000);

  /* Light, dark, or what the system says. */
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  let choice = "auto";
  function scheme() { return choice === "auto" ? (dark.matches ? "dark" : "light") : choice; }
  function apply() {
    document.documentElement.dataset.mantineColorScheme = scheme();
    document.documentElement.dataset.agThemeMode = scheme();
    return scheme();
  }
  dark.addEventListener("change", () => {
    const now = apply();
    window.dash_clientside.set_props("mantine", { forceColorScheme: now });
    window.dash_clientside.set_props("scheme", { data: now });
  });
  apply();
  const own = (window.dash_clientside = window.dash_clientside || {}).tulle = (window.dash_clientside || {}).tulle || {};
  own.scheme = function (value) { choice = value || "auto"; const now = apply(); return [now, now]; };
})(window.tulle);
