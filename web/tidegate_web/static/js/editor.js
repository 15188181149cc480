/* The rule editor. Everything here also works without it: the picker is a list of buttons, the rest plain forms. */
(function () {
  "use strict";
  document.documentElement.classList.add("tg-js");
  var waiting = 0;

  function picker(element) { return element.closest("[data-tg-pick]"); }
  function options(pick) { return Array.from(pick.querySelectorAll("button[role=option]")); }

  function show(pick, index) {
    var all = options(pick), box = pick.querySelector("[role=combobox]");
    all.forEach(function (one, n) {
      one.tabIndex = -1;
      one.setAttribute("aria-selected", n === index ? "true" : "false");
    });
    if (all[index]) {
      box.setAttribute("aria-activedescendant", all[index].id);
      all[index].scrollIntoView({ block: "nearest" });
    } else {
      box.removeAttribute("aria-activedescendant");
    }
  }

  function current(pick) {
    return options(pick).findIndex(function (one) { return one.getAttribute("aria-selected") === "true"; });
  }

  function ready(root) {
    root.querySelectorAll(".tg-ed-open[data-tg-pick]").forEach(function (pick) { show(pick, current(pick) < 0 ? 0 : current(pick)); });
  }

  // Looking for a field: the list follows what is typed.
  function look(box) {
    var pick = picker(box), address = box.dataset.tgSearch + "&q=" + encodeURIComponent(box.value), asked = box.value;
    fetch(address, { headers: { "HX-Request": "true" }, credentials: "same-origin" }).then(function (answer) {
      return answer.ok ? answer.text() : null;
    }).then(function (html) {
      if (html === null || box.value !== asked || !box.isConnected) return;
      var list = pick.querySelector("[role=listbox]");
      list.outerHTML = html;
      list = pick.querySelector("[role=listbox]");
      if (window.htmx) window.htmx.process(list);
      pick.classList.add("tg-ed-open");
      box.setAttribute("aria-expanded", "true");
      show(pick, 0);
      pick.dataset.tgShown = asked;
      var first = pick.dataset.tgEnter === asked && options(pick)[0];
      delete pick.dataset.tgEnter;
      if (first) first.click();
    });
  }

  document.addEventListener("input", function (event) {
    var box = event.target.closest("[data-tg-search]");
    if (!box) return;
    clearTimeout(waiting);
    waiting = setTimeout(look, 120, box);
  });
  document.addEventListener("focusin", function (event) {
    var box = event.target.closest("[data-tg-search]");
    if (box && box.getAttribute("aria-expanded") !== "true") look(box);
  });
  // What is typed to look for a field is no change of the rule.
  document.addEventListener("change", function (event) {
    if (event.target.closest("[data-tg-search]")) event.stopPropagation();
  }, true);

  document.addEventListener("keydown", function (event) {
    var box = event.target.closest("[data-tg-search]");
    if (!box) {
      if (event.key === "Enter" && event.target.matches("#editor-form input:not([type=checkbox], [type=radio])")) {
        event.preventDefault();  // Enter applies what was typed, it does not leave the page
        event.target.dispatchEvent(new Event("change", { bubbles: true }));
      }
      return;
    }
    var pick = picker(box), all = options(pick), at = current(pick);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!all.length) return look(box);
      show(pick, (at + (event.key === "ArrowDown" ? 1 : all.length - 1)) % all.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if ((pick.dataset.tgShown !== undefined || box.value) && pick.dataset.tgShown !== box.value) {  // the list is still of what was typed before
        pick.dataset.tgEnter = box.value;
        clearTimeout(waiting);
        look(box);
      } else if (all[at]) all[at].click();
    } else if (event.key === "Escape") {
      event.preventDefault();
      var cancel = pick.querySelector('[id$="-cancel"]');
      if (cancel) return cancel.click();
      box.value = "";
      pick.classList.remove("tg-ed-open");
      pick.querySelector("[role=listbox]").hidden = true;
      box.setAttribute("aria-expanded", "false");
    }
  });

  // A swap keeps what is being typed, and opened lists stay open; a button's row gets the focus.
  var kept = null, tried = (document.getElementById("rule-document") || {}).value;
  document.addEventListener("htmx:beforeSwap", function (event) {
    if (!event.target || event.target.id !== "editor-bands" || !event.detail.shouldSwap) return;
    var active = document.activeElement;
    var within = active && active.id && event.target.contains(active) && /^(INPUT|TEXTAREA)$/.test(active.tagName);
    kept = { id: within ? active.id : "", value: within ? active.value : "",
             open: Array.from(event.target.querySelectorAll("details[data-tg-keep]")).map(function (one) { return [one.id, one.open]; }) };
  });
  document.addEventListener("htmx:afterSwap", function () {
    if (!kept) return;
    var box = kept.id && document.getElementById(kept.id);
    if (box && box.type !== "checkbox" && box.type !== "radio" && !/\.mn$/.test(kept.id)) {
      box.value = kept.value;
      if (box.matches("[data-tg-search]")) look(box);  // the list that was open went with the swap
    }
    kept.open.forEach(function (pair) { var one = document.getElementById(pair[0]); if (one) one.open = pair[1]; });
    kept = null;
  });
  document.addEventListener("htmx:afterSettle", function (event) {
    if (event.target.closest && event.target.closest("#rule_try-panel")) return;  // it takes no focus away from who is typing
    var bands = document.getElementById("editor-bands");
    if (!bands) return;
    ready(bands);
    var written = document.getElementById("rule-document");
    if (written && written.value && written.value !== tried) {  // the try panel may follow
      tried = written.value;
      document.body.dispatchEvent(new CustomEvent("tg:edited"));
    }
    var place = bands.dataset.tgFocus && document.getElementById(bands.dataset.tgFocus);
    delete bands.dataset.tgFocus;
    if (!place) return;
    var first = place.querySelector("[role=combobox]") || place.querySelector("select.tg-ed-op") ||
      place.querySelector("select, input:not([type=hidden]), textarea, button");
    if (first) first.focus();
  });

  // The order being tried is tried again with what is written now.
  var again = 0;
  document.body.addEventListener("tg:edited", function () {
    clearTimeout(again);
    again = setTimeout(function () {
      var order = document.querySelector("#rule_try-panel .tg-try-order.tg-on");
      if (order) order.click();
    }, 500);
  });

  // Leaving with unsaved changes asks first.
  var dirty = false;
  document.addEventListener("change", function (event) { if (event.target.form && event.target.form.matches("#editor-form")) dirty = true; });
  document.addEventListener("submit", function (event) { if (event.target.matches("#editor-form") && !event.defaultPrevented) dirty = false; });
  window.addEventListener("beforeunload", function (event) { if (dirty) event.preventDefault(); });

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", function () { ready(document); });
  else ready(document);
})();
