/** Splits text into lines as they become complete; a last line without an end counts too. */
export class TextLineStream extends TransformStream<string, string> {
  constructor() {
    // Of a line without an end so far. It may be long: each chunk is looked at once.
    let pieces: string[] = [];
    super({
      transform(chunk, controller) {
        const [first = "", ...others] = chunk.split("\n");
        pieces.push(first);
        for (const part of others) {
          controller.enqueue(pieces.join(""));
          pieces = [part];
        }
      },
      flush(controller) {
        const rest = pieces.join("");
        if (rest !== "") controller.enqueue(rest);
      },
    });
  }
}
