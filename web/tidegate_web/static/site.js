/* Small helpers; every page works without them. No framework: HTMX does the requests, this only wakes it. */
(function () {
  "use strict";

  // A part that refreshes itself: asks again every few seconds, and not while nobody looks.
  setInterval(function () {
    if (document.visibilityState !== "visible") return;
    document.querySelectorAll("[data-tg-refresh]").forEach(function (part) {
      var step = Number(part.dataset.tgRefresh) || 5;
      var due = Number(part.dataset.tgDue || 0) + 1;
      part.dataset.tgDue = due >= step ? 0 : due;
      if (due >= step && window.htmx) window.htmx.trigger(part, "refresh");
    });
  }, 1000);

  // "All" ticks the boxes of its own form.
  document.addEventListener("change", function (event) {
    var all = event.target.closest("[data-tg-all]");
    if (!all) return;
    all.form.querySelectorAll('input[type="checkbox"][name="' + all.dataset.tgAll + '"]')
      .forEach(function (box) { box.checked = all.checked; });
  });

  // Filters apply as soon as one is chosen.
  document.addEventListener("change", function (event) {
    var field = event.target.closest("[data-tg-submit] select");
    if (field) field.form.requestSubmit();
  });

  // Opened panels close with Escape and give the focus back.
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    var open = event.target.closest("details[open].tg-drop, details[open].tg-menu");
    if (!open) return;
    open.open = false;
    open.querySelector("summary").focus();
  });

  // Keys of the queues: j and k move, others press the button or focus the field that names them.
  document.addEventListener("keydown", function (event) {
    var desk = document.querySelector("[data-tg-keys]");
    if (!desk || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea")) return;
    if (event.key === "j" || event.key === "k") return move(desk, event.key === "j" ? 1 : -1);
    var target = desk.querySelector('[data-tg-key="' + event.key + '"]');
    if (!target) return;
    event.preventDefault();
    if (target.matches("button")) target.click(); else target.focus();
  });

  function move(desk, step) {
    var rows = Array.from(desk.querySelectorAll("[data-tg-row]"));
    var at = rows.findIndex(function (row) { return row.hasAttribute("aria-current"); });
    var next = rows[Math.min(Math.max(at + step, 0), rows.length - 1)];
    if (next && next !== rows[at]) next.click();
  }

  // After a swap the focus goes to the first error, else to the current row, when its own element is gone.
  document.addEventListener("htmx:afterSettle", function (event) {
    var wrong = event.target.querySelector && event.target.querySelector("[role=alert]");
    if (wrong) { wrong.focus(); return; }
    if (document.activeElement !== document.body) return;
    var row = document.querySelector("[data-tg-keys] [aria-current]");
    if (row) row.focus({ preventScroll: true });
  });

  // A form sent the plain way (a key pressed before HTMX took up a new part) leads to its first error as well.
  var refused = document.querySelector("main .tg-wrong[role=alert]");
  if (refused) refused.focus();
})();
