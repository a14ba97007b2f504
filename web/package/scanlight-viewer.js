// <scanlight-viewer>: Scanlight in a frame of the host's page. A plain module: no bundler, nothing to install.

/** The version of the messages, as the page has it. */
export const VERSION = 1;

/** Where the page lies, if no `base` says so: this file is in its folder `package`. */
const HOME = new URL('../', import.meta.url).href;

/** Attributes that make another address, and so load the page anew. */
const ADDRESS = ['base', 'lesson', 'controls', 'lang', 'backend'];
/** Attributes that the page follows while it runs, with the message that says so. */
const LIVE = {
  src: null,
  model: ['setModel', 'model'],
  sample: ['sample', 'sample'],
  method: ['setMethod', 'method'],
  'shown-class': ['setClass', 'class'],
};

export class ScanlightViewer extends HTMLElement {
  static observedAttributes = [...ADDRESS, ...Object.keys(LIVE)];

  #frame = null;
  #ready = false;
  #opened = null;
  #fetching = null;
  #pending = false;
  #hear = (event) => this.#received(event);

  constructor() {
    super();
    // A constructed sheet, as a host's security policy may forbid a <style>.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(
      ':host { display: block; min-block-size: 320px; } :host([hidden]) { display: none; } ' +
        'iframe { display: block; inline-size: 100%; block-size: 560px; border: 0; }',
    );
    this.attachShadow({ mode: 'open' }).adoptedStyleSheets = [sheet];
  }

  connectedCallback() {
    window.addEventListener('message', this.#hear);
    this.#load();
  }

  disconnectedCallback() {
    window.removeEventListener('message', this.#hear);
    this.#fetching?.abort();
    this.#frame?.remove();
    this.#frame = null;
    this.#ready = false;
  }

  attributeChangedCallback(name, before, now) {
    if (before === now || !this.#frame) return;
    if (ADDRESS.includes(name)) this.#load();
    else if (this.#ready) this.#follow(name);
  }

  /** Classifies a picture: a `Blob` (a `File` keeps its name) or an `ArrayBuffer`. */
  open(bytes, name = bytes?.name ?? 'scan') {
    if (!(bytes instanceof Blob || bytes instanceof ArrayBuffer)) {
      throw new TypeError('scanlight-viewer: open() takes a Blob or an ArrayBuffer');
    }
    this.#fetching?.abort();
    this.#opened = { name, bytes };
    if (this.#ready) this.#say({ type: 'open', name, bytes });
  }

  /** Attribute changes that come together make one address. */
  #load() {
    if (this.#pending) return;
    this.#pending = true;
    queueMicrotask(() => {
      this.#pending = false;
      if (this.isConnected) this.#start();
    });
  }

  #start() {
    const address = new URL(this.base);
    address.searchParams.set('embed', '');
    address.searchParams.set('origin', location.origin);
    for (const name of ['model', 'lesson', 'controls', 'lang', 'backend', 'sample', 'method', 'shown-class']) {
      const value = this.getAttribute(name);
      // `class` is HTML's own.
      if (value) address.searchParams.set(name === 'shown-class' ? 'class' : name, value);
    }
    this.#ready = false;
    this.#frame?.remove();
    this.#frame = document.createElement('iframe');
    this.#frame.title = this.getAttribute('title') ?? 'Scanlight';
    this.#frame.loading = 'lazy';
    this.#frame.allow = `clipboard-write ${address.origin}`;
    this.#frame.src = address.href;
    this.shadowRoot.append(this.#frame);
  }

  #say(message) {
    const { origin } = new URL(this.#frame.src);
    this.#frame.contentWindow?.postMessage({ target: 'scanlight', version: VERSION, ...message }, origin);
  }

  #follow(name) {
    const value = this.getAttribute(name);
    if (!value) return;
    if (name === 'src') this.#fetch(value);
    else {
      const [type, key] = LIVE[name];
      this.#say({ type, [key]: value });
    }
  }

  /** The host fetches, as the page itself asks no other server for anything. */
  async #fetch(src) {
    this.#fetching?.abort();
    const fetching = new AbortController();
    this.#fetching = fetching;
    try {
      const answer = await fetch(new URL(src, document.baseURI), { signal: fetching.signal });
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      const bytes = await answer.blob();
      if (!fetching.signal.aborted) this.open(bytes, src.split(/[?#]/)[0].split('/').pop() || 'scan');
    } catch (error) {
      if (fetching.signal.aborted) return;
      this.#tell('error', { type: 'error', code: 'element.src', message: `${src}: ${error.message}` });
    }
  }

  #received(event) {
    if (!this.#frame || event.source !== this.#frame.contentWindow) return;
    if (event.origin !== new URL(this.#frame.src).origin) return;
    const { data } = event;
    if (data?.source !== 'scanlight' || data.version !== VERSION) return;
    if (data.type === 'resize') {
      this.#frame.style.blockSize = `${data.height}px`;
      return;
    }
    // It is said again when another model is in use; what is open stays open.
    if (data.type === 'ready' && !this.#ready) {
      this.#ready = true;
      // Changed while the page was loading.
      const asked = new URL(this.#frame.src).searchParams.get('model');
      if (this.getAttribute('model') !== asked) this.#follow('model');
      if (this.#opened) this.#say({ type: 'open', ...this.#opened });
      else this.#follow('src');
    }
    if (['ready', 'progress', 'result', 'error'].includes(data.type)) this.#tell(data.type, data);
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** The page's address: its folder, with a slash at the end. */
  get base() {
    const base = this.getAttribute('base');
    return base === null ? HOME : new URL(base, document.baseURI).href;
  }

  set base(value) {
    this.setAttribute('base', value);
  }
}

for (const name of [...ADDRESS, ...Object.keys(LIVE)].filter((name) => name !== 'base' && name !== 'lang')) {
  const property = name === 'shown-class' ? 'shownClass' : name;
  Object.defineProperty(ScanlightViewer.prototype, property, {
    configurable: true,
    enumerable: true,
    get() {
      return this.getAttribute(name) ?? '';
    },
    set(value) {
      if (value === null || value === undefined) this.removeAttribute(name);
      else this.setAttribute(name, value);
    },
  });
}

if (!customElements.get('scanlight-viewer')) customElements.define('scanlight-viewer', ScanlightViewer);
