// Runs before the first paint so that the page does not flash in the wrong theme.
// A file of its own, because the page's policy allows no inline script.
(function () {
  var wanted = null;
  try {
    wanted = window.localStorage.getItem("dyocense-theme");
  } catch {
    // Storage may be refused; the system's theme is used then.
  }
  var dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
  var scheme = wanted === "light" || wanted === "dark" ? wanted : dark ? "dark" : "light";
  document.documentElement.setAttribute("data-mantine-color-scheme", scheme);
})();
