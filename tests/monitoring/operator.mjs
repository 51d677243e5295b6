// Strict validation against the Prometheus operator's published schemas: values by the package's validators, unknown fields by its types.
import path from 'node:path';
import {BUILD, requireBuilt} from './tools.mjs';

const ts = requireBuilt('typescript');
const modulePath = (doc) => `@kubernetes-models/prometheus-operator/${doc.apiVersion}/${doc.kind}`;

function valueProblems(doc) {
    try {
        new (requireBuilt(modulePath(doc))[doc.kind])(doc).validate();
        return [];
    } catch (error) {
        return [error.message];
    }
}

// The types refuse unknown fields at every depth of a literal.
function fieldProblems(doc) {
    const file = path.join(BUILD, 'document.ts');
    const text = `import type {I${doc.kind}} from '${modulePath(doc)}';\nexport const document: I${doc.kind} = ${JSON.stringify(doc)};\n`;
    const options = {
        noEmit: true, strict: true, skipLibCheck: true, types: [],
        module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext,
    };
    const host = ts.createCompilerHost(options);
    const {getSourceFile, fileExists, readFile} = host;
    host.getSourceFile = (name, version, ...rest) => (name === file
        ? ts.createSourceFile(name, text, version) : getSourceFile.call(host, name, version, ...rest));
    host.fileExists = (name) => name === file || fileExists.call(host, name);
    host.readFile = (name) => (name === file ? text : readFile.call(host, name));
    const program = ts.createProgram([file], options, host);
    return ts.getPreEmitDiagnostics(program, program.getSourceFile(file))
        .map((problem) => ts.flattenDiagnosticMessageText(problem.messageText, ' '));
}

// What is wrong with the object: empty for a good one.
export const problemsOf = (doc) => [...valueProblems(doc), ...fieldProblems(doc)];
