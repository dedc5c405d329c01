/* The address bar holds all state: parameters written in place, links followed without a reload, and copying. */
window.tulle = window.tulle || {};
(function (tulle) {
  "use strict";

  /* Writes parameters into the URL; an empty one, or one at its default, is left out. */
  tulle.inUrl = function (parameters, defaults) {
    const url = new URL(window.location.href);
    Object.entries(parameters).forEach(([name, value]) => {
      const standard = (defaults || {})[name] || "";
      if (value === standard) { url.searchParams.delete(name); } else { url.searchParams.set(name, value); }
    });
    if (url.href !== window.location.href) { window.history.replaceState(window.history.state, "", url); }
  };

  /* Goes to a page as dcc.Link does. */
  tulle.go = function (path) {
    window.history.pushState({}, "", path);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    window.scrollTo(0, 0);
  };

  tulle.copyLink = async function (button) {
    const said = button.textContent;
    try {
      await navigator.clipboard.writeText(window.location.href);
      button.textContent = "Copied";
    } catch {
      window.prompt("Copy this link:", window.location.href); // no clipboard without a secure context
    }
    window.setTimeout(() => { button.textContent = said; }, 1500);
  };

  const own = (window.dash_clientside = window.dash_clientside || {}).tulle = (window.dash_clientside || {}).tulle || {};
  own.overviewUrl = function (part) { tulle.inUrl({ q: part || "" }); return window.dash_clientside.no_update; };
  own.serviceUrl = function (range, view) {
    tulle.inUrl({ range: range || "", view: view || "" }, { range: "5m", view: "charts" });
    return window.dash_clientside.no_update;
  };
})(window.tulle);
