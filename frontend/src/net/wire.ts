/** Bytes to frames: 4 bytes length, header (msgpack), body (zlib stream of a msgpack chunk). See docs/protocol.md. */

import { decode, Decoder } from '@msgpack/msgpack';

import { CHUNK_VERSIONS, type Chunk, type Frame, type FrameHeader } from '../core/chunk';

/** The header alone, without inflating the body: enough to drop what is stale. */
export function readHeader(bytes: Uint8Array): { header: FrameHeader; body: Uint8Array } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(0);
  if (4 + length > bytes.byteLength) throw new Error('a frame ends inside its header');
  const header = decode(bytes.subarray(4, 4 + length)) as FrameHeader;
  return { header, body: bytes.subarray(4 + length) };
}

const KEY_BYTES_MAX = 24;
const KEYS_MAX = 4096;

/** The keys of a chunk's maps are few and come again and again (fields, nodes): each is decoded once. */
class Keys {
  private readonly known = new Map<number, string>();

  canBeCached(length: number): boolean {
    return length <= KEY_BYTES_MAX;
  }

  decode(bytes: Uint8Array, from: number, length: number): string {
    let hash = length;
    for (let at = from; at < from + length; at++) hash = (hash * 31 + bytes[at]!) | 0;
    const known = this.known.get(hash);
    if (known !== undefined && isThis(known, bytes, from, length)) return known;
    const key = new TextDecoder().decode(bytes.subarray(from, from + length));
    if (key.length === length && this.known.size < KEYS_MAX) this.known.set(hash, key);
    return key;
  }
}

function isThis(key: string, bytes: Uint8Array, from: number, length: number): boolean {
  for (let at = 0; at < length; at++) if (key.charCodeAt(at) !== bytes[from + at]) return false;
  return key.length === length;
}

const chunks = new Decoder({ keyDecoder: new Keys() });

export async function readFrame(bytes: Uint8Array): Promise<Frame> {
  const { header, body } = readHeader(bytes);
  const plain = await inflate(body);
  const chunk = chunks.decode(plain) as Chunk;
  if (!CHUNK_VERSIONS.includes(chunk.v)) throw new Error(`a chunk of version ${chunk.v}, this page reads ${CHUNK_VERSIONS.join(', ')}`);
  return { header, chunk, bytes: plain.byteLength };
}

/** A range: frames one after another, each behind 4 bytes with its length. */
export function splitRange(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.byteLength; ) {
    const length = view.getUint32(at);
    if (at + 4 + length > bytes.byteLength) throw new Error('a range ends inside a frame');
    frames.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return frames;
}

export async function inflate(bytes: Uint8Array): Promise<Uint8Array> {
  if (typeof DecompressionStream === 'undefined') {
    // Browsers before 2023 bring no inflate of their own.
    const { unzlibSync } = await import('fflate');
    return unzlibSync(bytes);
  }
  const inflater = new DecompressionStream('deflate');
  const writer = inflater.writable.getWriter();
  // Errors surface where the readable end is read.
  void writer.write(bytes as BufferSource).catch(() => undefined);
  void writer.close().catch(() => undefined);
  return new Uint8Array(await new Response(inflater.readable).arrayBuffer());
}
