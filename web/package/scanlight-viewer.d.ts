/** The version of the messages. */
export declare const VERSION: 1;

export type Controls = 'full' | 'basic' | 'none';
export type Method =
  | 'grad-cam'
  | 'grad-cam-plus-plus'
  | 'hires-cam'
  | 'layer-cam'
  | 'eigen-cam'
  | 'score-cam'
  | 'occlusion';

interface Envelope<Type extends string> {
  source: 'scanlight';
  version: 1;
  type: Type;
}

/** The page takes files. */
export interface ReadyMessage extends Envelope<'ready'> {
  model: string | null;
  samples: string[];
}

/** The page does something else now. */
export interface ProgressMessage extends Envelope<'progress'> {
  phase: 'loading' | 'ready' | 'working' | 'failed';
}

/** An answer. Neither pixels nor a file's name are in it. */
export interface ResultMessage extends Envelope<'result'> {
  model: string | null;
  /** The sample that was opened; null for a file. */
  sample: string | null;
  verdict: 'class' | 'unsure' | 'strange';
  /** One class, two between which the model is unsure, or none. */
  answer: string[];
  predicted: string | null;
  probabilities: { class: string; probability: number }[];
  uncertainty: number | null;
}

/** What went wrong. */
export interface ErrorMessage extends Envelope<'error'> {
  code: string;
}

/** The page's height in pixels. */
export interface ResizeMessage extends Envelope<'resize'> {
  height: number;
}

/** What the page sends to the page around it. */
export type OutgoingMessage = ReadyMessage | ProgressMessage | ResultMessage | ErrorMessage | ResizeMessage;

/** What the page around it may send. */
export type IncomingMessage = { target: 'scanlight'; version: 1 } & (
  | { type: 'open'; name?: string; bytes: ArrayBuffer | Blob }
  | { type: 'sample'; sample: string }
  | { type: 'setModel'; model: string }
  | { type: 'setMethod'; method: Method }
  | { type: 'setClass'; class: string }
);

export interface ScanlightViewerEventMap {
  ready: CustomEvent<ReadyMessage>;
  progress: CustomEvent<ProgressMessage>;
  result: CustomEvent<ResultMessage>;
  /** Of the page's, or, with `message`, of `src`. */
  error: CustomEvent<ErrorMessage | { type: 'error'; code: 'element.src'; message: string }>;
}

export declare class ScanlightViewer extends HTMLElement {
  /** Where the page lies; by default the folder above the module's. */
  base: string;
  model: string;
  src: string;
  sample: string;
  /** A lesson to begin with, by its id in `lessons/index.json`. */
  lesson: string;
  method: Method | '';
  /** The class whose map is shown: the attribute `shown-class`. */
  shownClass: string;
  controls: Controls | '';
  backend: 'webgpu' | 'cpu' | '';
  /** Classifies a picture. */
  open(bytes: Blob | ArrayBuffer, name?: string): void;
  addEventListener<Type extends keyof ScanlightViewerEventMap>(
    type: Type,
    listener: (this: ScanlightViewer, event: ScanlightViewerEventMap[Type]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

declare global {
  interface HTMLElementTagNameMap {
    'scanlight-viewer': ScanlightViewer;
  }
}
