// smartcrop.js with its sharp adapter: one call per size, as its users write it.
import smartcrop from "smartcrop-sharp";
import { contend } from "./measured.mjs";

async function render(task) {
  for (const { width, height } of task.pieces) {
    await smartcrop.crop(task.master, { width, height });
  }
  return [];
}

await contend(render);
