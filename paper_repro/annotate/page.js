// Keyboard shortcuts. Everything here can also be done by mouse, and without any script.
"use strict";

const rate = document.getElementById("rate");

function press(key) {
  const choice = document.querySelector(`input[data-key="${CSS.escape(key)}"]`);
  if (choice) {
    choice.checked = true;
    choice.focus({ preventScroll: true });
    return true;
  }
  const acts = {
    u: () => document.getElementById("undo")?.requestSubmit(),
    s: () => (document.getElementById("skip-button") || document.querySelector("#skip button"))?.click(),
    o: () => document.getElementById("show")?.click(),
    c: () => document.getElementById("comment")?.focus(),
    g: () => {
      const guideline = document.getElementById("guideline");
      if (guideline) guideline.open = !guideline.open;
    },
    enter: () => rate?.requestSubmit(), // the browser says what is still missing
  };
  if (!acts[key]) return false;
  acts[key]();
  return true;
}

addEventListener("keydown", (event) => {
  const typing = event.target.matches("textarea");
  if (typing && event.key === "Escape") event.target.blur();
  if (typing && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    rate.requestSubmit();
  }
  if (typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return;
  if (event.key === "Enter" && event.target.matches("a, button, summary")) return; // it presses what has the focus
  if (press(event.key.toLowerCase())) event.preventDefault();
});

// one form, one act: a second press while the page is on its way does nothing
addEventListener("submit", (event) => {
  if (document.body.dataset.sent) event.preventDefault();
  document.body.dataset.sent = "yes";
});

// a page that comes back from the browser's memory may be out of date
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
