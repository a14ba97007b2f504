// The page that shows how Scanlight is embedded: the snippets, both ways at work, and what they say.

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
frame.src = `${home}${query}${encodeURIComponent(location.origin)}`;

const copied = document.querySelector('#copied');
for (const button of document.querySelectorAll('[data-copy]')) {
  const code = document.getElementById(button.dataset.copy);
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      copied.textContent = 'Copied.';
    } catch {
      getSelection().selectAllChildren(code);
      copied.textContent = 'The browser did not allow copying: the snippet is selected.';
    }
  });
}
