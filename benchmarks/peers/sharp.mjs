// sharp, in the three ways in which it can be driven.
//   each:  one pipeline per rendition, all from the file, as its users write it;
//   clone: one input, a clone per rendition, as its documentation advises;
//   raw:   decoded once into memory, every rendition from there.
import { readFileSync } from "node:fs";
import sharp from "sharp";
import { contend } from "./measured.mjs";

function written(pipeline, piece) {
  return piece.format === "raw" ? pipeline.raw() : pipeline[piece.format](piece.settings);
}

async function beginning(task) {
  if (task.way === "each") return () => sharp(task.master);
  if (task.way === "clone") {
    const input = sharp(readFileSync(task.master));
    return () => input.clone();
  }
  const { data, info } = await sharp(task.master).raw().toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  return () => sharp(data, { raw: { width, height, channels } });
}

async function render(task) {
  const begin = await beginning(task);
  return Promise.all(
    task.pieces.map((piece) =>
      written(begin().resize(piece.width, piece.height, { fit: "cover" }), piece).toBuffer(),
    ),
  );
}

await contend(render);
