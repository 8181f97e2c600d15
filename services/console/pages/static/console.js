// Times in the reader's own zone, a strip while the console is away, and a button that copies.
"use strict";
(() => {
  const shapes = {
    clock: { hour: "2-digit", minute: "2-digit", second: "2-digit" },
    short: { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" },
    full: { dateStyle: "medium", timeStyle: "medium" },
  };
  const formats = {};
  for (const name of Object.keys(shapes)) {
    formats[name] = new Intl.DateTimeFormat(navigator.language, shapes[name]);
  }

  function localise(root) {
    for (const time of root.querySelectorAll("time[data-shape]")) {
      const at = new Date(time.dateTime);
      const old = Date.now() - at.getTime() > 86400000;
      const shape = time.dataset.shape === "clock" && old ? "short" : time.dataset.shape;
      time.textContent = formats[shape].format(at);
      delete time.dataset.shape;
    }
  }

  function away(is) {
    document.getElementById("offline").hidden = !is;
    document.body.classList.toggle("is-offline", is);
  }

  let opened = false;
  localise(document);
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    // A page that nobody looks at asks for nothing.
    const verb = event.detail.requestConfig.verb;
    const polls = event.detail.elt.getAttribute("hx-trigger")?.startsWith("every");
    if (document.hidden && verb === "get" && polls) event.preventDefault();
  });
  document.body.addEventListener("htmx:beforeSwap", () => {
    opened = Boolean(document.getElementById("resolved")?.open);
  });
  document.body.addEventListener("htmx:afterSettle", () => {
    localise(document);
    const details = document.getElementById("resolved");
    if (details && opened) details.open = true;
  });
  document.body.addEventListener("htmx:sendError", () => away(true));
  document.body.addEventListener("htmx:timeout", () => away(true));
  document.body.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status >= 500) away(true);
  });
  document.body.addEventListener("htmx:afterOnLoad", () => away(false));
  document.body.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copies]");
    if (!button) return;
    const before = button.textContent;
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent);
    button.textContent = document.body.dataset.copied;
    setTimeout(() => { button.textContent = before; }, 1500);
  });
})();
