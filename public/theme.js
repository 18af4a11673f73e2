// Applies the remembered theme, else the system's, before the first paint. A file of its own so that a
// content security policy needs no inline scripts.
(function () {
  var theme = null;
  try {
    theme = localStorage.getItem("ovMeet-theme");
  } catch (refused) {
    // Storage is blocked in this frame: follow the system.
  }
  if (theme !== "light" && theme !== "dark") {
    theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
  document.documentElement.setAttribute("data-theme", theme);
})();
