// The page that shows how Scanlight is embedded: the snippets, both ways at work, and what they say.

const RIGHT_TO_LEFT = { ar: true, de: false, en: false, es: false };

/** The language as the page itself finds it: that of the address, else the one chosen there, else the browser's. */
function visitors() {
  const asked = new URLSearchParams(location.search).get('lang');
  let kept = null;
  try {
    kept = localStorage.getItem('scanlight.language');
  } catch {
    // Some browsers forbid it in private windows.
  }
  const wishes = [asked, kept, ...navigator.languages].map((wish) => wish?.trim().toLowerCase().split('-')[0]);
  return wishes.find((wish) => wish && Object.hasOwn(RIGHT_TO_LEFT, wish)) ?? 'en';
}

const language = visitors();
/** What a message says. English, which stands in the page, until its file is there. */
let words = {
  'demo.copied': 'Copied.',
  'demo.by_hand': 'The browser did not allow copying: the snippet is selected.',
};

/** Says everything in the visitor's language. Without its file the page stays in English. */
async function speak() {
  const response = await fetch(`languages/${language}.json`);
  if (!response.ok) return;
  words = (await response.json()).messages;
  for (const element of document.querySelectorAll('[data-say]')) element.textContent = words[element.dataset.say];
  for (const name of ['title', 'aria-label']) {
    for (const element of document.querySelectorAll(`[data-say-${name}]`)) {
      element.setAttribute(name, words[element.getAttribute(`data-say-${name}`)]);
    }
  }
  document.documentElement.lang = language;
  document.documentElement.dir = RIGHT_TO_LEFT[language] ? 'rtl' : 'ltr';
}

if (language !== 'en') speak().catch((error) => console.warn(error));

const home = new URL('./', location.href).href;
const query = '?embed&sample=meningioma-coronal&controls=none&origin=';

document.querySelector('#element-code').textContent =
  `<script type="module" src="${home}package/scanlight-viewer.js"></script>\n` +
  '<scanlight-viewer sample="glioma-axial" controls="basic"></scanlight-viewer>';
// `https://your.site` is the reader's to replace: only that origin is told anything.
document.querySelector('#frame-code').textContent =
  `<iframe src="${`${home}${query}https://your.site`.replaceAll('&', '&amp;')}" title="Scanlight" loading="lazy"\n` +
  '  style="width: 100%; height: 640px; border: 0"></iframe>';

const log = document.querySelector('#log');

function write(who, message) {
  const line = document.createElement('li');
  line.textContent = `${who}: ${JSON.stringify(message)}`;
  log.append(line);
  log.scrollTop = log.scrollHeight;
}

const element = document.querySelector('scanlight-viewer');
// Without it the viewers find the same language by themselves.
if (new URLSearchParams(location.search).has('lang')) element.setAttribute('lang', language);
for (const type of ['ready', 'progress', 'result', 'error']) {
  element.addEventListener(type, (event) => write('element', event.detail));
}

const frame = document.querySelector('#frame');
window.addEventListener('message', (event) => {
  if (event.source !== frame.contentWindow || event.origin !== location.origin) return;
  if (event.data?.source !== 'scanlight' || event.data.version !== 1) return;
  if (event.data.type === 'resize') frame.style.blockSize = `${event.data.height}px`;
  write('frame', event.data);
});
frame.src = `${home}${query}${encodeURIComponent(location.origin)}&lang=${language}`;

const copied = document.querySelector('#copied');
for (const button of document.querySelectorAll('[data-copy]')) {
  const code = document.getElementById(button.dataset.copy);
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      copied.textContent = words['demo.copied'];
    } catch {
      getSelection().selectAllChildren(code);
      copied.textContent = words['demo.by_hand'];
    }
  });
}
