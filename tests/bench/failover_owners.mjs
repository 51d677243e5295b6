// SQLite files of other owners than the application.
export const ownerScenes = [];
