// A Galera node that leaves its cluster, or refuses what it is asked.
import {mariadbAt, mariadbDsn, sqlOf} from './failover_servers.mjs';

const NODE = '127.0.1.1', ALONE = "SET GLOBAL wsrep_cluster_address='gcomm://127.0.0.9'", TOGETHER = "SET GLOBAL wsrep_cluster_address='gcomm://'";
const SETTINGS = ['--wsrep-on=ON', '--wsrep-provider=/usr/lib/galera/libgalera_smm.so', '--wsrep-cluster-address=gcomm://', '--wsrep-new-cluster', '--wsrep-sst-method=skip',
    '--binlog-format=ROW', `--wsrep-node-address=${NODE}`, `--wsrep-provider-options=gmcast.listen_addr=tcp://${NODE}:4567;gcache.size=1M;gcache.page_size=1M`];
const FAULT_S = 30;

const node = (begin, end, settings = []) => async () => {
    const sql = sqlOf(await mariadbAt(NODE, [...SETTINGS, ...settings])), work = (statements) => () => { sql.run(statements).catch(() => {}); };
    return {dsn: mariadbDsn(NODE), acts: [[0, work(begin)], [FAULT_S, work(end)]], seconds: FAULT_S + 35};
};
const scene = (id, name, ...how) => ({id, name, prepare: node(...how)});

export const galeraScenes = [
    scene('galera-dirty', 'Galera: non-Primary with `wsrep_dirty_reads=1`', ALONE, TOGETHER, ['--wsrep-dirty-reads=1']),
    scene('galera-alone', 'Galera: non-Primary', ALONE, TOGETHER),
    scene('galera-rejecting', 'Galera: `wsrep_reject_queries=ALL`', "SET GLOBAL wsrep_reject_queries='ALL'", "SET GLOBAL wsrep_reject_queries='NONE'"),
    scene('galera-disconnected', 'Galera: disconnected (`wsrep_cluster_address` empty)', "SET GLOBAL wsrep_cluster_address=''", TOGETHER),
];
