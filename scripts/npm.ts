/**
 * Makes the npm package of the client library, for Node.js 20 and later: JavaScript and types for
 * every module that the library consists of, without anything to install beside them.
 *
 *     deno run -A scripts/npm.ts [folder]     in dist/npm, where no folder is given
 *     npm publish dist/npm
 *
 * @module
 */

import ts from "npm:typescript@5.9.3";
import { ROOT, version } from "./config.ts";

const ENTRY = new URL("src/client/mod.ts", ROOT);
const SOURCES = new URL("src/", ROOT);
const SHIM = new URL("scripts/npm/node_shim.ts", ROOT);

/** Imports of the sources that Node.js finds elsewhere. */
const REPLACED: Readonly<Record<string, string>> = {
  "@std/crypto/timing_safe_equal.js": SHIM.href,
};

const COMPILER_OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  verbatimModuleSyntax: true,
  strict: true,
};

const DECLARATION_OPTIONS: ts.CompilerOptions = {
  ...COMPILER_OPTIONS,
  isolatedDeclarations: true,
  declaration: true,
};

const PACKAGE = {
  name: "@dispyscheduler/client",
  description: "A client for dispy clusters: run Python functions, programs and TypeScript " +
    "functions as jobs on many machines",
  keywords: ["dispy", "cluster", "jobs", "scheduler", "distributed"],
  license: "Apache-2.0",
  type: "module",
  engines: { node: ">=20" },
  exports: { ".": { types: "./client/mod.d.ts", default: "./client/mod.js" } },
  files: ["**/*.js", "**/*.d.ts"],
  sideEffects: false,
};

const IMPORT = /((?:^|\n)(?:import|export)\b[^;"]*?\bfrom\s*|\n?^import\s*)"([^"]+)"/gm;

/** The module that `specifier` names in `from`; `null` for those that Node.js itself has. */
function resolve(specifier: string, from: URL): URL | null {
  const replaced = REPLACED[specifier];
  if (replaced !== undefined) return new URL(replaced);
  if (specifier.startsWith("node:")) return null;
  if (specifier.startsWith(".")) return new URL(specifier, from);
  throw new Error(`${from.pathname} imports "${specifier}", which Node.js does not have`);
}

/** Where a module stands in the package, below its folder. */
function placeOf(module: URL): string {
  return module.href === SHIM.href
    ? "node_shim.js"
    : module.href.slice(SOURCES.href.length).replace(/\.ts$/, ".js");
}

/** How `from` imports `module` within the package. */
function specifierOf(module: URL, from: URL): string {
  const up = "../".repeat(placeOf(from).split("/").length - 1) || "./";
  return up + placeOf(module);
}

/** `code` with its imports as they are within the package. */
function relinked(code: string, from: URL): string {
  return code.replace(IMPORT, (_, before: string, specifier: string) => {
    const module = resolve(specifier, from);
    return `${before}"${module === null ? specifier : specifierOf(module, from)}"`;
  });
}

/** The modules that `code` needs, those for types alone included. */
function importsOf(code: string, from: URL): URL[] {
  return [...code.matchAll(IMPORT)]
    .map(([, , specifier]) => resolve(specifier as string, from))
    .filter((module) => module !== null);
}

function fail(diagnostics: readonly ts.Diagnostic[] | undefined, module: URL): void {
  const [first] = diagnostics ?? [];
  if (first === undefined) return;
  const message = ts.flattenDiagnosticMessageText(first.messageText, "\n");
  throw new Error(`${module.pathname}: ${message}`);
}

/** Whether a module's types are those that programs work with. */
function isPublic(module: URL): boolean {
  return module.href.startsWith(new URL("client/", SOURCES).href);
}

interface Transpiled {
  readonly js: string;
  readonly dts: string;
  /** Modules that either of them imports. */
  readonly needs: readonly URL[];
}

async function transpile(module: URL): Promise<Transpiled> {
  const source = await Deno.readTextFile(module);
  const options = { fileName: module.pathname, reportDiagnostics: true };
  const script = ts.transpileModule(source, { ...options, compilerOptions: COMPILER_OPTIONS });
  fail(script.diagnostics, module);
  const types = ts.transpileDeclaration(source, {
    ...options,
    compilerOptions: DECLARATION_OPTIONS,
  });
  // What the library itself exports says its types; further down, a type that does not stand there
  // is `any`, which nobody sees.
  if (isPublic(module)) fail(types.diagnostics, module);
  const needs = [
    ...importsOf(script.outputText, module),
    ...importsOf(types.outputText, module),
  ];
  const usesDeno = /\bDeno\./.test(script.outputText) && module.href !== SHIM.href;
  const isEntry = module.href === ENTRY.href;
  if (usesDeno || isEntry) needs.push(SHIM);
  const shim = JSON.stringify(specifierOf(SHIM, module));
  const head = usesDeno ? `import { Deno } from ${shim};\n` : isEntry ? `import ${shim};\n` : "";
  return {
    js: head + relinked(script.outputText, module),
    // TypeScript writes methods with such names twice when it looks at one module alone.
    dts: relinked(types.outputText.replaceAll(/^ +\[Symbol\.\w+\]: .*=>.*;\n/gm, ""), module),
    needs,
  };
}

/**
 * Makes the package.
 *
 * @param folder Where; it is emptied before.
 */
export async function makePackage(folder: URL): Promise<void> {
  await Deno.remove(folder, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  const queue = [ENTRY];
  const seen = new Set<string>();
  for (let module = queue.pop(); module !== undefined; module = queue.pop()) {
    if (seen.has(module.href)) continue;
    seen.add(module.href);
    const { js, dts, needs } = await transpile(module);
    queue.push(...needs);
    const target = new URL(placeOf(module), folder);
    await Deno.mkdir(new URL("./", target), { recursive: true });
    await Deno.writeTextFile(target, js);
    await Deno.writeTextFile(new URL(target.href.replace(/\.js$/, ".d.ts")), dts);
  }
  const manifest = JSON.stringify({ ...PACKAGE, version: await version() }, null, 2);
  await Deno.writeTextFile(new URL("package.json", folder), `${manifest}\n`);
  await Deno.copyFile(new URL("LICENSE", ROOT), new URL("LICENSE", folder));
  await Deno.copyFile(new URL("client/README.md", SOURCES), new URL("README.md", folder));
  console.log(`${seen.size} modules in ${folder.pathname}`);
}

if (import.meta.main) {
  const [folder = "dist/npm"] = Deno.args;
  await makePackage(new URL(`${folder}/`, `file://${Deno.cwd()}/`));
}
