/**
 * A client program of the demo: paints the Mandelbrot set, a job for each tile.
 *
 *     picture.ts <scheduler's client port> <number of jobs> <file>
 *
 * @module
 */

import { SharedJobCluster, typescript } from "../../src/client/mod.ts";
import { tell, tellOfJob } from "./client.ts";
import { encodePng } from "./png.ts";
import type { renderTile, Tile, View } from "./tile.ts";

const VIEW: View = {
  width: 1200,
  height: 800,
  centreX: -0.743_643_135,
  centreY: 0.131_825_963,
  span: 0.000_145,
  maxIterations: 3_000,
};

const [port = "", count = "", file = ""] = Deno.args;
const columns = 6;
const rows = Math.ceil(Number(count) / columns);
const tiles: Tile[] = Array.from({ length: Number(count) }, (_, index) => {
  const edge = (part: number, whole: number, parts: number) => Math.round(part * whole / parts);
  const [column, row] = [index % columns, Math.trunc(index / columns)];
  const left = edge(column, VIEW.width, columns);
  const top = edge(row, VIEW.height, rows);
  return {
    left,
    top,
    width: edge(column + 1, VIEW.width, columns) - left,
    height: edge(row + 1, VIEW.height, rows) - top,
  };
});

await using cluster = await SharedJobCluster.open({
  computation: typescript<typeof renderTile>({
    module: new URL("./tile.ts", import.meta.url),
    name: "renderTile",
  }),
  scheduler: "127.0.0.1",
  schedulerPort: Number(port),
  reentrant: true,
  onJob: tellOfJob,
});
const jobs = tiles.map((tile) => cluster.submit([VIEW, tile]));
const picture = new Uint8Array(VIEW.width * VIEW.height * 3);
for (const [index, { left, top, width, height }] of tiles.entries()) {
  const pixels = await jobs[index]!.result;
  for (let row = 0; row < height; row++) {
    const line = pixels.subarray(row * width * 3, (row + 1) * width * 3);
    picture.set(line, ((top + row) * VIEW.width + left) * 3);
  }
}
await Deno.writeFile(file, encodePng(VIEW.width, VIEW.height, picture));
tell({ kind: "says", text: `The picture is in ${file}` });
