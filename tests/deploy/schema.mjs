// Strict validation against the published schemas: values by the package's validators, unknown fields by its types.
import path from 'node:path';
import {BUILD, requireBuilt} from './tools.mjs';

const ts = requireBuilt('typescript');

// Whose schema it is, by the group of the API; all others are Kubernetes' own.
const PACKAGES = {
    'monitoring.coreos.com': '@kubernetes-models/prometheus-operator',
    'gateway.networking.k8s.io': '@kubernetes-models/gateway-api',
};
const modulePath = (doc) => `${PACKAGES[doc.apiVersion.split('/')[0]] ?? 'kubernetes-models'}/${doc.apiVersion}/${doc.kind}`;

// This package can be imported only, which takes a moment that problemsOf() has not.
const {HTTPRoute} = await import(path.join(BUILD, 'node_modules/@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1/HTTPRoute.js'));

function valueProblems(doc) {
    try {
        const Model = doc.kind === 'HTTPRoute' ? HTTPRoute : requireBuilt(modulePath(doc))[doc.kind];
        new Model(doc).validate();
        return [];
    } catch (error) {
        return [error.code === 'MODULE_NOT_FOUND' ? `no schema for ${doc.apiVersion} ${doc.kind}` : error.message];
    }
}

const source = (doc, i) => `import type {I${doc.kind} as Kind${i}} from '${modulePath(doc)}';
export const document${i}: Kind${i} = ${JSON.stringify(doc)};
`;

// The types refuse unknown fields at every depth of a literal. One file per document, one run of the type checker for all.
function fieldProblems(docs) {
    const files = new Map(docs.map((doc, i) => [path.join(BUILD, `document${i}.mts`), source(doc, i)]));
    const options = {
        noEmit: true, strict: true, skipLibCheck: true, types: [],
        module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext,
    };
    const host = ts.createCompilerHost(options);
    const {getSourceFile, fileExists, readFile} = host;
    host.getSourceFile = (name, version, ...rest) => (files.has(name)
        ? ts.createSourceFile(name, files.get(name), version) : getSourceFile.call(host, name, version, ...rest));
    host.fileExists = (name) => files.has(name) || fileExists.call(host, name);
    host.readFile = (name) => files.get(name) ?? readFile.call(host, name);
    const program = ts.createProgram([...files.keys()], options, host);
    return [...files.keys()].map((name) => ts.getPreEmitDiagnostics(program, program.getSourceFile(name))
        .map((problem) => ts.flattenDiagnosticMessageText(problem.messageText, ' ')));
}

// For each document the list of what is wrong with it: empty for a good one.
export function problemsOf(docs) {
    const byFields = fieldProblems(docs);
    return docs.map((doc, i) => [...valueProblems(doc), ...byFields[i]]);
}
