// ONNX Runtime's side of the comparison: as serve() of cases.hpp.   usage: node onnx_runtime.js FILE BATCH THREADS
const ort = require("onnxruntime-node");
const [file, batch, threads] = process.argv.slice(2);

// the numbers of cases.hpp: splitmix64
function numbers(n, seed) {
  const mask = (1n << 64n) - 1n, result = new Float32Array(n);
  for (let i = 0; i < n; ++i) {
    let z = ((BigInt(seed) << 40n) + BigInt(i) + 0x9e3779b97f4a7c15n) & mask;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask;
    z ^= z >> 31n;
    result[i] = Number(z >> 11n) * 2 ** -52 - 1;
  }
  return result;
}

async function main() {
  const session = await ort.InferenceSession.create(file, {
    executionProviders: ["cpu"], intraOpNumThreads: Number(threads), interOpNumThreads: 1, graphOptimizationLevel: "all", logSeverityLevel: 3});
  const shape = [Number(batch), 224, 224, 3];
  const input = new ort.Tensor("float32", numbers(shape.reduce((a, b) => a * b), 1), shape);
  let scores;
  const run = async () => { scores = (await session.run({input})).output.data; };
  const milliseconds = async () => {
    const start = process.hrtime.bigint();
    await run();
    return Number(process.hrtime.bigint() - start) / 1e6;
  };
  const warmUp = async total => {
    let least = Infinity;
    for (let sum = 0; sum < total;) {
      const t = await milliseconds();
      sum += t;
      least = Math.min(least, t);
    }
    return least;
  };
  await run();
  const check = scores.reduce((sum, x) => sum + Math.abs(x), 0) / scores.length;
  console.log("ready", check, await warmUp(200));
  for await (const line of require("readline").createInterface({input: process.stdin})) {
    await warmUp(10);
    const times = [];
    for (let i = 0; i < Number(line); ++i) times.push(await milliseconds());
    console.log(times.join(" "));
  }
}
main().catch(error => { console.error(String(error)); process.exit(1); });
