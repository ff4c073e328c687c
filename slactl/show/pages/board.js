"use strict";
(() => {
  const root = document.documentElement.dataset;
  const age = document.getElementById("age"), alarm = document.getElementById("alarm");
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const words = (seconds) => {
    const [unit, length] = units.find((each) => seconds >= each[1]) || units[3];
    const count = Math.floor(seconds / length);
    return count + " " + unit + (count === 1 ? "" : "s");
  };
  const tick = () => {
    const seconds = Math.round(Date.now() / 1000) - Number(root.readAt);
    const isAhead = seconds < -60, isOld = seconds > Number(root.oldAfter);
    age.textContent = isAhead ? "age unknown" : words(Math.max(0, seconds)) + " old";
    const text = isAhead
      ? "The clock of this screen is " + words(-seconds) + " behind, so the age of this page is not known."
      : isOld ? "This page is " + words(seconds) + " old. slactl did not write it again: is cron running?" : "";
    if (alarm.textContent !== text) alarm.textContent = text;
    alarm.hidden = text === "";
    document.body.classList.toggle("old", text !== "");
  };
  tick();
  setInterval(tick, 1000);
  // Read the file again; whoever uses the keyboard stays in the same list. Storage may be switched off.
  const label = (list) => list.getAttribute("aria-label"), key = "slactl board " + location.pathname;
  try {
    const before = sessionStorage.getItem(key);
    sessionStorage.removeItem(key);
    const list = [...document.querySelectorAll(".scroll")].find((each) => label(each) === before);
    if (list) list.focus({ preventScroll: true });
  } catch {}
  setTimeout(() => {
    try {
      sessionStorage.setItem(key, label(document.activeElement) || "");
    } catch {}
    location.reload();
  }, Number(root.reload) * 1000);
})();
