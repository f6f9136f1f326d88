<#
.SYNOPSIS
Exports VMs and the library of System Center VMM. Read-only: only cmdlets with Get- are used.
.EXAMPLE
.\scvmm.ps1 -Folder exports\vmm01 -Server vmm01
#>
param([Parameter(Mandatory)][string]$Folder, [Parameter(Mandatory)][string]$Server)
$ErrorActionPreference = 'Stop'
New-Item -ItemType Directory -Force -Path $Folder | Out-Null
$vmm = Get-SCVMMServer -ComputerName $Server

# A list that fails is not written, and says so in errors.txt; the other one is.
function Save([string]$Name, [scriptblock]$Command) {
    try {
        $json = ConvertTo-Json -InputObject @(& $Command) -Depth 4
        [IO.File]::WriteAllText((Join-Path (Resolve-Path $Folder) $Name), $json)
    } catch {
        Add-Content -Path (Join-Path $Folder 'errors.txt') -Value "${Name}: $_"
    }
}

Save 'vms.json' {
    Get-SCVirtualMachine -VMMServer $vmm | Select-Object Name,@{n='ID';e={"$($_.ID)"}},@{n='VMId';e={"$($_.VMId)"}},
        @{n='Status';e={"$($_.Status)"}},@{n='VMHost';e={"$($_.VMHost)"}},Location,VMCPath,CheckpointLocation,MarkedAsTemplate,Owner,Description,
        @{n='Disks';e={@($_.VirtualDiskDrives | ForEach-Object { $_.VirtualHardDisk.Location })}}
}
Save 'disks.json' {
    Get-SCVirtualHardDisk -VMMServer $vmm | Select-Object Name,Location,SharePath,@{n='VHDType';e={"$($_.VHDType)"}},
        @{n='ParentDisk';e={$_.ParentDisk.Location}},@{n='LibraryServer';e={"$($_.LibraryServer)"}}
}
