/* Decision tables by keyboard: arrows move, Enter or F2 edits, Tab and Enter save and go on, Esc gives up, a block
   from a spreadsheet is pasted at the focused cell, rows are dragged by their handle. Without it the cells are links. */
(function () {
  "use strict";
  var held = null;

  function grid() { return document.getElementById("grid-table"); }
  function form() { return document.getElementById("grid-form"); }
  function cells() { return Array.from(grid().querySelectorAll("[data-cell]")); }
  function find(key) { return cells().find(function (one) { return one.dataset.cell === key; }); }

  function only(cell) {
    cells().forEach(function (one) { one.tabIndex = one === cell ? 0 : -1; });
  }

  // One cell is in the tab order; arrows lead to the others.
  function ready() {
    if (!grid()) return;
    var all = cells();
    var target = grid().dataset.tgFocus && find(grid().dataset.tgFocus);
    only(target || all[0]);
    var box = document.getElementById("cell-in") || grid().querySelector("#new .tg-g-in[autofocus]") || grid().querySelector(".tg-g-open .tg-g-in");
    if (box) { box.focus(); if (box.select) box.select(); }
    else if (target) target.focus();
    grid().dataset.tgFocus = "";
    grid().querySelectorAll("[data-tg-drag]").forEach(function (one) { one.closest("tr").draggable = true; });
    var version = form().querySelector("[name=version]").value;
    document.querySelectorAll("[data-tg-version]").forEach(function (one) { one.value = version; });
  }

  function step(cell, key) {
    var td = cell.closest("td"), row = td.parentElement;
    var place = Array.from(row.querySelectorAll("[data-cell]")).indexOf(cell);
    var all = Array.from(grid().querySelectorAll("tr[data-row]")).map(function (one) { return Array.from(one.querySelectorAll("[data-cell]")); }).filter(function (one) { return one.length; });
    var at = all.findIndex(function (one) { return one[0].closest("tr") === row; });
    var moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -999], End: [0, 999] };
    var line = all[Math.max(0, Math.min(at + moves[key][0], all.length - 1))];
    var next = line[Math.max(0, Math.min(place + moves[key][1], line.length - 1))];
    only(next);
    next.focus();
  }

  document.addEventListener("focusin", function (event) {
    if (event.target.dataset && event.target.dataset.cell) only(event.target);
  });

  document.addEventListener("keydown", function (event) {
    var cell = event.target.closest && event.target.closest("[data-cell]");
    if (cell && !event.ctrlKey && !event.metaKey && !event.altKey) {
      if (/^(Arrow|Home$|End$)/.test(event.key)) { event.preventDefault(); step(cell, event.key); }
      else if (event.key === "F2") { event.preventDefault(); cell.click(); }
      return;
    }
    if (!event.target.matches || !event.target.matches(".tg-g-in, #grid-form .tg-input")) return;
    if (event.key === "Escape") {
      var cancel = grid().querySelector("[data-cancel]");
      if (cancel) { event.preventDefault(); cancel.click(); }
    } else if (event.key === "Tab" && event.target.id === "cell-in") {
      event.preventDefault();
      go(event.shiftKey ? "left" : "right");
    } else if (event.key === "Enter" && event.target.id === "cell-in" && !event.isComposing) {
      event.preventDefault();
      go("down");
    }
  });

  function go(where) {
    form().querySelector("[name=go]").value = where;
    press("cell");
  }

  // Press a button of the form, so that HTMX and the server see which one.
  function press(value, more) {
    var button = document.createElement("button");
    button.type = "submit";
    button.name = "do";
    button.value = value;
    button.hidden = true;
    form().appendChild(button);
    Object.keys(more || {}).forEach(function (name) {
      var field = document.createElement("input");
      field.type = "hidden";
      field.name = name;
      field.value = more[name];
      form().appendChild(field);
    });
    button.click(); // HTMX tells which button it was by the click
  }

  document.addEventListener("paste", function (event) {
    var cell = document.activeElement && document.activeElement.closest("[data-cell]");
    var box = document.activeElement && document.activeElement.id === "cell-in" ? document.activeElement : null;
    var text = event.clipboardData.getData("text/plain");
    if (cell && text) {
      event.preventDefault();
      var key = cell.dataset.cell.split("/");
      press("paste", { row: key[0], col: key[1], block: text });
    } else if (box && /\t|\n./.test(text)) {
      event.preventDefault();
      press("paste", { block: text });
    }
  });

  document.addEventListener("dragstart", function (event) {
    var row = event.target.closest && event.target.closest("tr[data-row][draggable=true]");
    if (!row) return;
    held = row;
    row.classList.add("tg-g-held");
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", "");
  });
  document.addEventListener("dragover", function (event) {
    if (held && event.target.closest && event.target.closest("tr[data-row]")) event.preventDefault();
  });
  document.addEventListener("drop", function (event) {
    var row = held && event.target.closest && event.target.closest("tr[data-row]");
    if (!row) return;
    event.preventDefault();
    var place = row.querySelector("th").firstChild.textContent.trim();
    if (row !== held) press("move:" + held.dataset.row + ":" + place);
  });
  document.addEventListener("dragend", function () {
    if (held) held.classList.remove("tg-g-held");
    held = null;
  });

  // A mark opens what it means.
  document.addEventListener("click", function (event) {
    var mark = event.target.closest && event.target.closest("a.tg-g-mark");
    var found = mark && document.querySelector(mark.getAttribute("href"));
    if (found) { found.open = true; found.querySelector("summary").focus(); }
  });

  document.addEventListener("htmx:afterSettle", function (event) {
    if (event.target.id === "grid-table" || (grid() && grid().contains(event.target))) ready();
  });
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", ready);
  else ready();
})();
