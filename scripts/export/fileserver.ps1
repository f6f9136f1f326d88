<#
.SYNOPSIS
Exports shares, open files, volumes and iSCSI disks of a Windows file server. Read-only: only cmdlets with Get- are used.
.EXAMPLE
.\fileserver.ps1 -Folder exports\fs01
#>
param([Parameter(Mandatory)][string]$Folder, [string]$Namespace)
$ErrorActionPreference = 'Stop'
New-Item -ItemType Directory -Force -Path $Folder | Out-Null

function Save([string]$Name, [scriptblock]$Command) {
    try {
        $rows = @(& $Command)
        if ($rows.Count) {
            $json = ConvertTo-Json -InputObject $rows -Depth 4
            [IO.File]::WriteAllText((Join-Path (Resolve-Path $Folder) $Name), $json)
        }
    } catch {
        Add-Content -Path (Join-Path $Folder 'errors.txt') -Value "${Name}: $_"
    }
}

$server = @{n='PSComputerName';e={$env:COMPUTERNAME}}
Save 'shares.json' { Get-SmbShare | Select-Object Name,ScopeName,Path,$server }
Save 'open-files.json' {
    Get-SmbOpenFile | Select-Object Path,ShareRelativePath,ClientComputerName,ClientUserName,ScopeName,ClusterNodeName,$server
}
Save 'volumes.json' {
    Get-Volume | Where-Object DriveLetter |
        Select-Object @{n='DriveLetter';e={"$($_.DriveLetter)"}},Path,@{n='FileSystemType';e={"$($_.FileSystemType)"}},Size,SizeRemaining,$server
}
if (Get-Command Get-IscsiVirtualDisk -ErrorAction SilentlyContinue) {
    Save 'iscsi.json' { Get-IscsiVirtualDisk | Select-Object Path,ParentPath,@{n='Status';e={"$($_.Status)"}},Description }
}
if ($Namespace -and (Get-Command Get-DfsnFolderTarget -ErrorAction SilentlyContinue)) {
    Save 'dfs.json' { Get-DfsnFolderTarget -Path "$Namespace\*" | Select-Object Path,TargetPath,@{n='State';e={"$($_.State)"}} }
}
