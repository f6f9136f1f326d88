//! The scripts that make exports: they only read, and what they make is understood.

use super::*;

fn scripts(extension: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/export");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    assert!(paths.len() >= 3, "{extension}");
    let with_text = paths.into_iter().map(|path| {
        let text = text_of(&path);
        (path, text)
    });
    with_text.collect()
}

fn text_of(path: &Path) -> String {
    std::io::read_to_string(std::fs::File::open(path).unwrap()).unwrap()
}

/// Cmdlets that only read, and those that write the export itself or shape it.
const CMDLETS: [&str; 17] = [
    "Get-",
    "Select-Object",
    "Where-Object",
    "ForEach-Object",
    "Sort-Object",
    "Group-Object",
    "New-Object",
    "ConvertTo-Json",
    "Export-Csv",
    "Join-Path",
    "Resolve-Path",
    "Out-Null",
    "New-Item",
    "Add-Content",
    "Set-Content",
    "Connect-VIServer",
    "Write-",
];

#[test]
fn the_powershell_scripts_only_read() {
    for (path, text) in scripts("ps1") {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        let cmdlets = words.filter(|word| {
            word.split_once('-').is_some_and(|(verb, noun)| {
                verb.len() > 2
                    && noun.len() > 1
                    && verb.starts_with(|c: char| c.is_ascii_uppercase())
                    && noun.starts_with(|c: char| c.is_ascii_uppercase())
            })
        });
        for cmdlet in cmdlets {
            assert!(
                CMDLETS.iter().any(|known| cmdlet.starts_with(known)),
                "{}: {cmdlet}",
                path.display()
            );
        }
        for write in text
            .lines()
            .filter(|line| line.contains("Set-Content") || line.contains("Add-Content"))
        {
            assert!(write.contains("Join-Path $Folder"), "{}: {write}", path.display());
        }
    }
}

#[test]
fn the_shell_scripts_only_read() {
    const READING: [&str; 9] = [
        "object.collect",
        "find",
        "library.ls",
        "volume.ls",
        "disk.ls",
        "storage",
        "vm",
        "get",
        "config",
    ];
    for (path, text) in scripts("sh") {
        let commands = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        let words: Vec<&str> = commands.flat_map(str::split_whitespace).collect();
        for pair in words.windows(2) {
            if ["govc", "esxcli", "kubectl"].contains(&pair[0].trim_start_matches("$(")) && !pair[1].starts_with('-') {
                assert!(
                    READING.contains(&pair[1]),
                    "{}: {} {}",
                    path.display(),
                    pair[0],
                    pair[1]
                );
            }
            if pair[0].ends_with("vim-cmd") {
                assert!(
                    ["vmsvc/getallvms", "vmsvc/get.filelayoutex"].contains(&pair[1]),
                    "{}",
                    pair[1]
                );
            }
        }
        assert!(!text.contains("rm -r"), "{}", path.display());
    }
}

/// A stand-in that answers as govc does for a site of one VM.
#[cfg(unix)]
const GOVC: &str = r#"#!/bin/sh
case "$*" in
    "object.collect -json -type m"*) echo '{"kind":"enter","obj":{"type":"VirtualMachine","value":"vm-1"},"changeSet":[{"name":"name","op":"assign","val":"a"},{"name":"config.files","op":"assign","val":{"vmPathName":"[d 1] a/a.vmx"}}]}' ;;
    "object.collect -json -type s"*) echo '{"kind":"enter","obj":{"type":"Datastore","value":"datastore-1"},"changeSet":[{"name":"name","op":"assign","val":"d 1"},{"name":"summary","op":"assign","val":{"url":"ds:///vmfs/volumes/a-b/"}}]}' ;;
    "object.collect -json -type h"*) echo '{"kind":"enter","obj":{"type":"HostSystem","value":"host-1"},"changeSet":[{"name":"name","op":"assign","val":"esx1"}]}' ;;
    "find / -type m") echo /DC/vm/a ;;
    "find / -type s") echo '/DC/datastore/d 1' ;;
    "disk.ls -json -l -ds /DC/datastore/d 1") echo '{"objects":[{"config":{"id":{"id":"5dd77a1c-21be-45ca-9e4f-d30bf047f9e7"},"name":"x","backing":{"filePath":"[d 1] fcd/x.vmdk"}}}]}' ;;
    *) echo "govc: not supported" >&2; exit 1 ;;
esac
"#;

#[test]
#[cfg(unix)]
fn what_the_script_for_govc_makes_is_one_whole_inventory() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let govc = folder.put("bin/govc", GOVC);
    std::fs::set_permissions(&govc, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!(
        "{}:{}",
        govc.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let export = folder.path().join("export");
    let done = std::process::Command::new("sh")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/export/vcenter-govc.sh"))
        .arg(&export)
        .env("PATH", path)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let inventory = only(&export);
    assert_eq!(vm(&inventory, "a").config.as_deref(), Some("[d 1] a/a.vmx"));
    assert_eq!(inventory.fcd_scope, ["d 1"]);
    assert_eq!(inventory.hosts[0].name, "esx1");
    assert_eq!(capping(&inventory), Vec::<&str>::new());
    assert!(export.join("errors.txt").exists(), "the libraries could not be listed");
    assert!(!export.join("libraries.json").exists(), "half a file would look whole");
}

/// Runs the script for Kubernetes with a `kubectl` that is this shell script.
#[cfg(unix)]
fn export_of_kubernetes(kubectl: &str, folder: &Path) -> std::process::Output {
    use std::os::unix::fs::PermissionsExt;
    let commands = tempfile::tempdir().unwrap();
    let command = commands.path().join("kubectl");
    std::fs::write(&command, kubectl).unwrap();
    std::fs::set_permissions(&command, std::fs::Permissions::from_mode(0o755)).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/export/kubernetes.sh");
    let path = format!("{}:{}", commands.path().display(), std::env::var("PATH").unwrap());
    let mut run = std::process::Command::new("sh");
    run.arg(script).arg(folder).env("PATH", path).output().unwrap()
}

#[cfg(unix)]
#[test]
fn the_volumes_of_two_clusters_stand_beside_each_other_in_the_folder_of_their_vcenter() {
    let folder = tempfile::tempdir().unwrap();
    for context in ["admin@prod/1", "admin@test"] {
        let kubectl = format!("#!/bin/sh\ncase $1 in\nconfig) echo '{context}' ;;\nget) echo '{{}}' ;;\nesac\n");
        let run = export_of_kubernetes(&kubectl, folder.path());
        assert!(run.status.success() && run.stderr.is_empty(), "{run:?}");
    }
    let mut names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["volumes-admin_prod_1.json", "volumes-admin_test.json"]);
}

#[cfg(unix)]
#[test]
fn a_cluster_that_does_not_answer_leaves_a_message_and_no_list() {
    let folder = tempfile::tempdir().unwrap();
    let run = export_of_kubernetes(
        "#!/bin/sh\n[ \"$1\" = config ] && exit 0\necho refused >&2; exit 1\n",
        folder.path(),
    );
    assert!(!run.status.success());
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(left, [folder.path().join("errors.txt")]);
    assert!(text_of(&left[0]).contains("refused"));
}
