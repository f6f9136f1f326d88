<#
.SYNOPSIS
Exports what a Hyper-V host or a failover cluster registers. Read-only: only cmdlets with Get- ask the nodes.
.EXAMPLE
.\hyperv.ps1 -Folder exports\hvcl01
#>
param([Parameter(Mandatory)][string]$Folder)
$ErrorActionPreference = 'Stop'
New-Item -ItemType Directory -Force -Path $Folder | Out-Null
$failures = New-Object System.Collections.ArrayList

# The answer of a command, or nothing and a word about it: a list that is not whole must say so.
function Ask([string]$What, [scriptblock]$Command) {
    try { @(& $Command) } catch { [void]$failures.Add("${What}: $_"); @() }
}

$cluster = $null
$nodes = @($env:COMPUTERNAME)
if (Get-Command Get-Cluster -ErrorAction SilentlyContinue) {
    try {
        $cluster = (Get-Cluster).Name
        $nodes = @((Get-ClusterNode).Name)
    } catch { $cluster = $null }
}

$vms = @($nodes | ForEach-Object {
    $node = $_
    Ask "Get-VM on $node" { Get-VM -ComputerName $node -ErrorAction Stop }
} | ForEach-Object {
    $vm = $_
    $checkpoints = Ask "checkpoints of $($vm.Name)" { $vm | Get-VMSnapshot -ErrorAction Stop }
    [pscustomobject]@{
        Name = $vm.Name; VMId = "$($vm.VMId)"; ComputerName = $vm.ComputerName; State = "$($vm.State)"; Status = $vm.Status
        OperationalStatus = @($vm.OperationalStatus | ForEach-Object { "$_" })
        Generation = $vm.Generation; Version = "$($vm.Version)"; IsClustered = $vm.IsClustered; Notes = $vm.Notes
        Path = $vm.Path; ConfigurationLocation = $vm.ConfigurationLocation; SnapshotFileLocation = $vm.SnapshotFileLocation
        CheckpointFileLocation = $vm.CheckpointFileLocation; SmartPagingFilePath = $vm.SmartPagingFilePath
        GuestStatePath = $vm.GuestStatePath; ReplicationMode = "$($vm.ReplicationMode)"
        ReplicationState = "$($vm.ReplicationState)"
        ParentCheckpointId = $(if ($vm.ParentCheckpointId) { "$($vm.ParentCheckpointId)" })
        HardDrives = @(Ask "disks of $($vm.Name)" { $vm | Get-VMHardDiskDrive -ErrorAction Stop } | Select-Object Path,DiskNumber)
        DvdDrives = @(Ask "DVD drives of $($vm.Name)" { $vm | Get-VMDvdDrive -ErrorAction Stop } | Select-Object Path)
        Floppy = $vm.FloppyDrive.Path
        Snapshots = @($checkpoints | ForEach-Object {
            $checkpoint = $_
            [pscustomobject]@{
                Name = $checkpoint.Name; Id = "$($checkpoint.Id)"; SnapshotType = "$($checkpoint.SnapshotType)"; Path = $checkpoint.Path
                CreationTime = $checkpoint.CreationTime.ToUniversalTime().ToString('yyyy-MM-ddTHH:mm:ssZ')
                HardDrives = @(Ask "disks of checkpoint $($checkpoint.Name)" { $checkpoint | Get-VMHardDiskDrive -ErrorAction Stop } | Select-Object Path,DiskNumber)
            }
        })
    }
})

$volumes = @()
$resources = @()
if ($cluster) {
    $volumes = @(Ask 'Get-ClusterSharedVolume' { Get-ClusterSharedVolume } | Select-Object Name,
        @{n='OwnerNode';e={$_.OwnerNode.Name}},
        @{n='Path';e={@($_.SharedVolumeInfo.FriendlyVolumeName)[0]}},
        @{n='Volume';e={@($_.SharedVolumeInfo.Partition.Name)[0]}},
        @{n='Size';e={@($_.SharedVolumeInfo.Partition.Size)[0]}},
        @{n='Free';e={@($_.SharedVolumeInfo.Partition.FreeSpace)[0]}})
    $resources = @(Ask 'Get-ClusterResource' { Get-ClusterResource | Where-Object ResourceType -eq 'Virtual Machine Configuration' } |
        Select-Object Name,@{n='State';e={"$($_.State)"}},@{n='OwnerNode';e={"$($_.OwnerNode)"}},@{n='OwnerGroup';e={"$($_.OwnerGroup)"}},
            @{n='VmID';e={($_ | Get-ClusterParameter VmID).Value}},
            @{n='VmStoreRootPath';e={($_ | Get-ClusterParameter VmStoreRootPath).Value}})
}

# Parents of the disks that are named. A disk that another node has open is told by its own file. A drive letter is one of
# its node, so that node is asked, and what two nodes have at one path is not told.
$disks = @($vms | ForEach-Object {
    $node = $_.ComputerName
    @($_.HardDrives) + @($_.Snapshots | ForEach-Object { $_.HardDrives }) |
        Where-Object { $_.Path -and $null -eq $_.DiskNumber } |
        ForEach-Object { [pscustomobject]@{ Path = $_.Path; Node = $node } }
})
$chains = New-Object System.Collections.ArrayList
$asked = @{}
$twice = @{}
while ($disks.Count -gt 0) {
    $next = @()
    foreach ($disk in $disks) {
        $isLocal = $disk.Path -match '^[A-Za-z]:' -and $disk.Path -notlike '?:\ClusterStorage\*'
        $node = $(if ($isLocal) { $disk.Node } else { $env:COMPUTERNAME })
        if ($asked.ContainsKey($disk.Path)) {
            if ($asked[$disk.Path] -ne $node) { $twice[$disk.Path] = $true }
            continue
        }
        $asked[$disk.Path] = $node
        try {
            $vhd = $(if ($node -eq $env:COMPUTERNAME) { Get-VHD -Path $disk.Path -ErrorAction Stop }
                else { Get-VHD -ComputerName $node -Path $disk.Path -ErrorAction Stop })
            [void]$chains.Add([pscustomobject]@{ Path = $disk.Path; ParentPath = $vhd.ParentPath })
            if ($vhd.ParentPath) { $next += [pscustomobject]@{ Path = $vhd.ParentPath; Node = $disk.Node } }
        } catch { }
    }
    $disks = $next
}

$export = [ordered]@{
    schema = 'hyperv-inventory-export/1'
    exported = (Get-Date).ToUniversalTime().ToString('yyyy-MM-ddTHH:mm:ssZ')
    cluster = $cluster
    host = $(if (-not $cluster) { $env:COMPUTERNAME })
    nodes = $nodes
    vms = $vms
    clusterSharedVolumes = $volumes
    vhdChains = @($chains | Where-Object { -not $twice[$_.Path] })
    errors = @($failures)
}
# Without a cluster there is no list of its resources, which is not the same as an empty one.
if ($cluster) { $export['clusterResources'] = $resources }
$json = ConvertTo-Json -InputObject $export -Depth 8
[IO.File]::WriteAllText((Join-Path (Resolve-Path $Folder) 'hyperv.json'), $json)
if ($failures.Count) { Set-Content -Path (Join-Path $Folder 'errors.txt') -Value $failures -Encoding UTF8 }
