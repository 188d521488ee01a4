// Pages of numbers, kept up to date while they are looked at.

const EVERY_MS = 5_000;

async function renew() {
  if (document.hidden) return;
  const answer = await fetch(location.pathname).catch(() => null);
  if (!answer?.ok) return; // the next time
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const [now, then] = [page.querySelector("#live"), document.querySelector("#live")];
  if (now && now.innerHTML !== then.innerHTML && !then.contains(document.activeElement)) then.replaceWith(now);
}

setInterval(renew, EVERY_MS);
document.addEventListener("visibilitychange", renew);
