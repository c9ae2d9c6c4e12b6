// The windows of smartcrop.js. In: a JSON file of [{ file, width, height }], px; out: the same
// order of { x, y, width, height }, px of the picture, on standard output.
import { readFileSync } from "node:fs";
import smartcrop from "smartcrop-sharp";

const windows = [];
for (const { file, width, height } of JSON.parse(readFileSync(process.argv[2], "utf8"))) {
  windows.push((await smartcrop.crop(file, { width, height })).topCrop);
}
process.stdout.write(JSON.stringify(windows));
