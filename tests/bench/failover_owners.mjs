// SQLite files whose owner is not the application, or has no number where the sidecar runs: nothing happens to them but that the sidecar looks.
import {makeDirectory, runNow} from './machine.mjs';
import {sqliteFile} from './databases.mjs';

const APP = 1000700000, OTHER = APP + 1; // as OpenShift numbers its users
const INSIDE = 100000; // the user and group that are root in a user namespace which maps nothing else
const WRITES = 'CREATE TABLE writes (at text);';
const as = (user, group) => ['setpriv', `--reuid=${user}`, `--regid=${group}`, '--clear-groups', '--pdeathsig=KILL'];
const own = (who, mode, ...files) => { runNow(['chown', who, ...files]); runNow(['chmod', mode, ...files]); };

function makeFiles(fileOwner, directoryOwner, queueOwner) {
    const directory = makeDirectory('data'), file = sqliteFile(directory, 'db.sqlite3', 'default.sql', WRITES), queue = sqliteFile(directory, 'snappea.sqlite3', 'snappea.sql');
    own(directoryOwner, '770', directory);
    own(fileOwner, '660', file);
    own(queueOwner, '660', queue);
    return {file, databases: {default: {dsn: file}, snappea: {dsn: queue}}};
}

const onOpenShift = (fileOwner) => async () => {
    const {file, databases} = makeFiles(`${fileOwner}:0`, `${fileOwner}:0`, `${APP}:0`);
    return {dsn: file, settings: {databases}, writerAs: as(APP, 0), sidecarAs: as(APP, 0), acts: [], seconds: 40, mayBeRed: true};
};

// The group is the sidecar's, and not the application's: what the sidecar makes and cannot give away, the application cannot open.
const unmapped = async () => {
    const {file, databases} = makeFiles(`${APP}:${INSIDE}`, `${APP}:${INSIDE}`, `${APP}:${INSIDE}`);
    return {dsn: file, settings: {databases}, writerAs: as(APP, APP), acts: [], seconds: 40, mayBeRed: true,
        sidecarAs: [...as(INSIDE, INSIDE), 'unshare', '--user', '--map-root-user']};
};

const scene = (id, name, prepare) => ({id, name, prepare});
export const ownerScenes = [
    {...scene('unmapped', 'SQLite: the owner is not mapped where the sidecar is root, the application in another group', unmapped), isRefused: true},
    scene('openshift-other', 'SQLite on OpenShift: the file of another user and group 0', onOpenShift(OTHER)),
    scene('openshift-same', 'SQLite on OpenShift: the file of the same user and group 0', onOpenShift(APP)),
];
