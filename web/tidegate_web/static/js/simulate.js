// Choosing something that belongs to a source chooses the source.
document.addEventListener("input", (event) => {
  const choice = event.target.closest(".tg-si-inner")?.closest(".tg-si-choice");
  const radio = choice?.querySelector('input[name="source"]');
  if (radio) radio.checked = true;
});
