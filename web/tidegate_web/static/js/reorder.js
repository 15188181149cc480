// Rules are moved by dragging their number; buttons and a box do the same without a mouse.
(() => {
  "use strict";
  let held = null;
  const list = (node) => node.closest && node.closest("[data-tg-reorder]");

  const ready = () => {
    for (const ol of document.querySelectorAll("[data-tg-reorder]")) {
      for (const li of ol.querySelectorAll(":scope > li[data-rule]")) li.draggable = true;
    }
  };
  document.addEventListener("dragstart", (event) => {
    const li = event.target.closest && event.target.closest("li[data-rule]");
    if (!li || !list(li)) return;
    held = li;
    li.classList.add("tg-held");
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", li.dataset.rule);
  });
  document.addEventListener("dragover", (event) => {
    const li = held && event.target.closest && event.target.closest("li[data-rule]");
    if (!li || list(li) !== list(held) || li === held) return;
    event.preventDefault();
    const box = li.getBoundingClientRect();
    li.parentNode.insertBefore(held, event.clientY > box.top + box.height / 2 ? li.nextSibling : li);
  });
  document.addEventListener("drop", (event) => {
    if (held) event.preventDefault();
  });
  document.addEventListener("dragend", () => {
    if (!held) return;
    const li = held;
    held = null;
    li.classList.remove("tg-held");
    const items = [...li.parentNode.querySelectorAll(":scope > li[data-place]")];
    const places = items.map((one) => Number(one.dataset.place)).sort((a, b) => a - b);
    const place = places[items.indexOf(li)];
    if (place === Number(li.dataset.place)) return;
    const form = li.querySelector('form[action*="/move"]');
    if (!form) return;
    form.querySelector('input[name="to"]').value = String(place);
    form.requestSubmit();
  });
  document.addEventListener("htmx:afterSettle", ready);
  document.addEventListener("DOMContentLoaded", ready);
})();
