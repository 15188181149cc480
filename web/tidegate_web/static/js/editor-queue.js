/* One request of the rule editor at a time. Every answer is made from the whole form, so an answer that is older than
   the form is thrown away and asked for again with what the form says by now; buttons wait for their turn. */
(function () {
  "use strict";
  var waiting = [], current = null, sent = "", seen = null, asking = false, leaveBy = null, leaving = false, changedAt = 0;

  function form() { return document.getElementById("editor-form"); }
  function written(from) { return new URLSearchParams(new FormData(from)).toString(); }
  function split(command) {
    var parts = command.split(":"), action = /^act-/.test(parts[0]);
    var steps = (parts[1] || "").split("-");
    return { verb: action ? parts[0].slice(4) : parts[0], front: action ? "a" : steps.slice(0, -1).join("-"),
             at: action && !parts[1] ? NaN : Number(steps[steps.length - 1]), parts: parts, steps: steps, action: action };
  }

  // A button that was pressed on rows as they stood before an earlier button: the same row, where it stands after it; null when it is gone.
  function after(command, earlier) {
    var before = split(earlier), now = split(command);
    if (!/^(remove|up|down)$/.test(before.verb) || isNaN(before.at) || before.action !== now.action) return command;
    var depth = before.action ? 0 : before.steps.length - 1;
    if (now.steps.length <= depth || !before.action && now.steps.slice(0, depth).join("-") !== before.front) return command;
    var at = Number(now.steps[depth]), other = before.at + (before.verb === "up" ? -1 : 1);
    if (before.verb === "remove") {
      if (at === before.at) return null;
      if (at > before.at) at -= 1;
    } else if (at === before.at) at = other;
    else if (at === other) at = before.at;
    now.steps[depth] = String(at);
    now.parts[1] = now.steps.join("-");
    return now.parts.join(":");
  }

  function ask(command) {
    var ahead = (current === null ? [] : [current]).concat(waiting);
    for (var n = 0; n < ahead.length && command !== null; n += 1) command = after(command, ahead[n]);
    if (command === null || command === "" && waiting.length && waiting[waiting.length - 1] === "") return;
    waiting.push(command);
    next();
  }

  function next() {
    var from = form();
    if (!from || current !== null || leaving) return;
    while (waiting.length && waiting[0] === "" && written(from) === seen) waiting.shift();
    if (!waiting.length) {
      if (leaveBy) { var by = leaveBy; leaveBy = null; from.requestSubmit(by); }
      return;
    }
    current = waiting.shift();
    sent = written(from);
    busy(from);
    if (/^name:/.test(current)) document.getElementById("editor-bands").inert = true;  // it saves: it can't be asked twice
    asking = true;
    window.htmx.ajax("POST", from.getAttribute("hx-post"), { source: from, target: "#editor-bands", swap: "outerHTML" })
      .catch(function () { /* told below */ });
    asking = false;
  }

  document.addEventListener("htmx:confirm", function (event) {
    var source = event.detail.elt, from = form();
    if (asking || !from || source.form !== from && source !== from || event.detail.verb !== "post") return;
    event.preventDefault();
    if (!leaving) ask(source === from ? "" : source.value);
  });
  document.addEventListener("htmx:configRequest", function (event) {
    if (event.target !== form()) return;  // not its id: the form has a box named id
    event.detail.formData.delete("do");  // htmx adds the button that was pressed last
    if (current) event.detail.formData.set("do", current);
  });
  document.addEventListener("htmx:beforeSwap", function (event) {
    var config = event.detail.requestConfig, from = form();
    if (!config || !from || config.elt !== from || !event.detail.shouldSwap) return;
    if (written(from) !== sent && !/^name:/.test(current)) {
      event.detail.shouldSwap = false;
      waiting.unshift(current);
    }
  });
  document.addEventListener("htmx:afterSettle", function (event) {
    if (event.target.id === "editor-bands" && form()) seen = written(form());
  });
  document.addEventListener("htmx:afterRequest", function (event) {
    var config = event.detail.requestConfig, from = form();
    if (!config || !from || config.elt !== from) return;
    var bands = document.getElementById("editor-bands"), note = document.querySelector("#editor-note span:last-child");
    if (bands) bands.inert = false;
    if (!event.detail.successful && note) note.textContent = from.dataset.tgLost;
    setTimeout(function () { current = null; next(); }, 40);  // after the swap has settled
  });

  // Nothing follows a save; a save follows the buttons that were pressed before it.
  document.addEventListener("submit", function (event) {
    if (event.target !== form()) return;
    if (current || waiting.some(Boolean)) {
      event.preventDefault();
      leaveBy = event.submitter;
    } else leaving = true;
  }, true);
  window.addEventListener("pageshow", function () { leaving = false; });

  // From a change until its answer stands on the page the form is busy: whoever waits for it can know.
  function busy(from) {
    if (from.hasAttribute("aria-busy")) return;
    from.setAttribute("aria-busy", "true");
    setTimeout(calm, 50);
  }
  function calm() {
    var from = form(), left = changedAt + 350 - performance.now();  // posted after 300 ms
    if (!from) return;
    if (left > 0 || current !== null || waiting.length || document.querySelector(".htmx-request, .htmx-swapping, .htmx-settling"))
      setTimeout(calm, Math.max(left, 50));
    else from.removeAttribute("aria-busy");
  }
  document.addEventListener("change", function (event) {
    if (!event.target.form || event.target.form !== form()) return;
    changedAt = performance.now();
    busy(event.target.form);
  });
})();
