/** A program for Node.js with the npm package, whose folder is the first argument. */

const [folder, tls] = process.argv.slice(2);
const { JobCluster, python, SharedJobCluster, typescript } = await import(
  `${folder}/client/mod.js`
);
const emit = (event, fields) => console.log(JSON.stringify({ event, ...fields }));
const options = tls === undefined ? {} : { tls: JSON.parse(tls) };

const code = `
def work(number, data):
    import time
    time.sleep(0.03)
    dispy_provisional_result(number)
    if number == 3:
        raise ValueError('three')
    return [number, 2 ** 70, len(data)]
`;
const cluster = await SharedJobCluster.open({ computation: python({ code }), ...options });
const data = new Uint8Array(3_000_000);
for await (
  const job of cluster.map([1, 2, 3].map((n) => [n, data]), { concurrency: 2, ordered: true })
) {
  const result = await job.result.then(([n, big, size]) => [n, `${big}`, size], (e) => e.name);
  emit("job", { status: job.status, result, provisional: job.provisionalResult });
}
await cluster.close();

const doubling = await SharedJobCluster.open({
  computation: typescript(async (values) => {
    await new Promise((resolve) => setTimeout(resolve, 30));
    return new Map([...values].map(([key, value]) => [key, value * 2n]));
  }),
  ...options,
});
const doubled = await doubling.submit([new Map([["a", 2n]])]).result;
emit("typescript", { doubled: [...doubled].map(([key, value]) => [key, `${value}`]) });
await doubling.close();

await JobCluster.open({ computation: python({ code }) })
  .catch((error) => emit("refused", { error: error.name }));
